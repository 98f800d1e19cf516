# SPDX-License-Identifier: BSD-2-Clause
"""Headless Chromium, driven by selenium: what tests of pages share."""

import shutil
import unittest

SKIP = 77  # exit status where there is no browser
try:
    from selenium import webdriver
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait
except ImportError:
    webdriver = None

OPTIONS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
    "--disable-extensions", "--no-first-run", "--window-size=1280,900", "--no-zygote",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-quic",
)
VISIBLE = """
return [...document.querySelectorAll(arguments[0])].filter(
    (e) => e.checkVisibility() && e.getAttribute("aria-label")?.startsWith(arguments[1]) !== false)
"""


def is_there():
    return webdriver is not None and shutil.which("chromium") and shutil.which("chromedriver")


def start(profile):
    """@profile: a folder for the browser's files."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for option in (*OPTIONS, f"--user-data-dir={profile}"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = webdriver.chrome.service.Service(shutil.which("chromedriver"))
    return webdriver.Chrome(service=service, options=options)


class PageTest(unittest.TestCase):
    """Looks at self.browser."""

    def screen(self, width, height, scheme="light"):
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600,
        })
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme", "value": scheme}],
        })

    def find(self, selector):
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def shown(self, selector, label=""):
        """What can be seen, of these that have a label only those whose label begins so."""
        return self.browser.execute_script(VISIBLE, selector, label)

    def wait(self, condition, seconds=60):
        return WebDriverWait(self.browser, seconds, 0.05).until(lambda _browser: condition())

    def words(self, selector):
        """The text of the first of these, in one step: the page may change between two."""
        return self.browser.execute_script(
            "return document.querySelector(arguments[0])?.textContent ?? ''", selector
        )

    def page_width(self):
        return self.browser.execute_script("return document.documentElement.scrollWidth")

    def row(self, label, number=0):
        return self.shown(".row", label)[number]
