"""The built front end in templates."""

import json
import re

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.template import Context, Template

from betterchat.templatetags.assets import as_json_script, asset, icon_sprite


def test_no_string_of_a_snapshot_can_end_its_script_element() -> None:
    data = {"text": "</script><script>alert(1)</script><!-- & \u2028 \u2029"}
    html = as_json_script(json.dumps(data, ensure_ascii=False), "snapshot")
    body = re.fullmatch(r'<script type="application/json" id="snapshot">(.*)</script>', html)
    assert body is not None
    assert not set("<>&\u2028\u2029") & set(body[1])
    assert json.loads(body[1]) == data


def test_an_asset_has_the_hash_of_its_content_in_its_name() -> None:
    assert re.fullmatch(r"/static/app-[A-Z0-9]{8}\.js", asset("app.js"))
    assert re.fullmatch(r"/static/main-[A-Z0-9]{8}\.css", asset("main.css"))


def test_an_asset_that_was_not_built_is_told_with_its_remedy() -> None:
    with pytest.raises(ImproperlyConfigured, match="builds it again"):
        asset("nothing.js")


def test_every_icon_that_a_template_names_is_in_the_sprite() -> None:
    page = Template('{% load assets %}{% icon "plus" 16 %}').render(Context())
    assert 'width="16"' in page
    assert "#icon-plus" in page
    named: set[str] = set()
    for path in (settings.BASE_DIR / "templates").rglob("*.html"):
        named |= set(re.findall(r'{% icon "([a-z0-9-]+)"', path.read_text()))
    assert named
    drawn = set(re.findall(r'id="icon-([a-z0-9-]+)"', icon_sprite()))
    assert named <= drawn
