import { Application } from "@hotwired/stimulus";
import "htmx.org";
import ComposerController from "./controllers/composer_controller";
import ConnectionController from "./controllers/connection_controller";
import ConversationController from "./controllers/conversation_controller";
import DrawerController from "./controllers/drawer_controller";
import MenuController from "./controllers/menu_controller";
import PickerController from "./controllers/picker_controller";
import SidebarController from "./controllers/sidebar_controller";
import { person } from "./page";

const application = Application.start();
application.register("composer", ComposerController);
application.register("connection", ConnectionController);
application.register("conversation", ConversationController);
application.register("drawer", DrawerController);
application.register("menu", MenuController);
application.register("picker", PickerController);
application.register("sidebar", SidebarController);

person.connect();
addEventListener("online", () => person.hurry());
addEventListener("pageshow", () => person.hurry());
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") person.hurry();
});
