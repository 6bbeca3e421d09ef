console.info("toy");
