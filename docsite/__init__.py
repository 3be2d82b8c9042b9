"""The docs folder as a site that can be searched (`make docs`); runs in no pod."""
