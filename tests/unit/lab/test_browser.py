#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The page of a made-up run in headless Chromium: what can be clicked, and what it shows then.

Exits with 77 where there is no Chromium, or no selenium to drive it.
"""

import pathlib
import sys
import tempfile
import unittest

import browser
import made_up
from browser import PageTest
from bublab import compare, page

if browser.is_there():
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys


class Page(PageTest):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        folder = pathlib.Path(cls.temporary.name)
        made_up.write(folder / "run")
        cls.file = folder / "page.html"
        page.write(folder / "run", cls.file)
        cls.browser = browser.start(folder / "profile")

    @classmethod
    def tearDownClass(cls):
        cls.browser.quit()
        cls.temporary.cleanup()

    def setUp(self):
        self.screen(1280, 900)
        self.browser.get(f"file://{self.file}")

    def tearDown(self):
        self.assertEqual(self.browser.get_log("browser"), [])

    def top_of(self, panel):
        """In the coordinates of the page, which may have been scrolled."""
        return self.browser.execute_script(
            "return arguments[0].getBoundingClientRect().top + scrollY", panel
        )

    def test_message_opens(self):
        panel = self.find("#panel")[0]
        self.assertFalse(panel.is_displayed())
        self.row("Binding Update 7").click()
        self.wait(panel.is_displayed)
        words = panel.text
        for word in ("Sequence number\n7", "mn1 → ha1, inside ESP", "ha1 → ha2, plain",
                     "0.4 ms → 30.4 ms", made_up.HOME["mn1"]):
            self.assertIn(word, words)
        panel.find_element(By.CSS_SELECTOR, "li summary").click()
        self.wait(lambda: "opened with the key log" in panel.text)
        panel.find_element(By.CSS_SELECTOR, ".close").click()
        self.wait(lambda: not panel.is_displayed())
        self.row("Binding Update 7", 1).send_keys(Keys.ENTER)
        self.wait(panel.is_displayed)
        self.assertIn("mn1 → mn2, plain", panel.text)

    def test_handovers_change(self):
        self.assertEqual(len(self.shown(".chapter")), 1)
        self.assertIn("mn1 moves from ar1a to ar1b", self.shown(".chapter h2")[0].text)
        self.assertEqual(self.shown("tr.current [data-gap]")[0].text, "61.0")
        self.find('tr[data-chapter="1"] td')[0].click()
        self.wait(lambda: "in the same instant" in self.shown(".chapter h2")[0].text)
        self.assertEqual(self.shown("tr.current [data-lost]")[0].text, str(made_up.LOST["second"]))
        self.assertTrue(self.browser.current_url.endswith("#h2"))
        self.row("Binding Update 8", 1).click()
        self.wait(lambda: "lost" in self.find("#panel")[0].text)
        self.shown('[data-step="-1"]')[0].click()
        self.wait(lambda: "ar1a to ar1b" in self.shown(".chapter h2")[0].text)
        self.assertFalse(self.find("#panel")[0].is_displayed())

    def test_charts_are_drawn(self):
        for name in ("packets", "stream"):
            chart = self.shown(f'[data-chart="{name}"]')[0]
            self.assertGreaterEqual(len(chart.find_elements(By.TAG_NAME, "canvas")), 2)
            self.assertTrue(chart.find_elements(By.CSS_SELECTOR, ".dygraph-axis-label"))

    def test_two_runs_side_by_side(self):
        run = self.file.with_name("run")
        both = self.file.with_name("compare.html")
        compare.write([run, run], both)
        self.browser.get(f"file://{both}")
        one, two = self.shown(".ladder.narrow")
        self.assertEqual(one.rect["y"], two.rect["y"])
        self.assertLess(one.rect["x"] + one.rect["width"], two.rect["x"])
        self.assertEqual(len(self.shown(".charts .chart canvas.dygraph-rangesel-bgcanvas, .chart canvas")), 8)
        self.shown(".side:nth-child(2) .row", "Binding Update 7")[0].click()
        panel = self.find("#panel")[0]
        self.wait(panel.is_displayed)
        self.assertIn("Sequence number\n7", panel.text)
        panel.find_element(By.CSS_SELECTOR, ".close").click()
        self.find('tr[data-chapter="1"] td')[0].click()
        self.wait(lambda: "in the same instant" in self.shown(".chapter h2")[0].text)
        self.screen(360, 740)
        self.wait(lambda: self.page_width() == 360)
        one, two = self.shown(".ladder.narrow")
        self.assertLess(one.rect["y"] + one.rect["height"], two.rect["y"])

    def test_phone(self):
        for scheme in ("light", "dark"):
            self.screen(360, 740, scheme)
            self.wait(lambda: self.page_width() == 360)
            self.assertEqual(len(self.shown(".ladder.narrow")), 1)
            self.assertEqual(self.shown(".ladder.wide"), [])
            row = self.row("Binding Update 7")
            self.browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", row)
            row.click()
            panel = self.find("#panel")[0]
            self.wait(panel.is_displayed)
            self.wait(lambda: self.page_width() == 360)
            self.assertLess(row.rect["y"] + row.rect["height"], self.top_of(panel))
            row.send_keys(Keys.ESCAPE)
            self.wait(lambda: not panel.is_displayed())

    def test_light_and_dark(self):
        colour = "return getComputedStyle(document.body).backgroundColor"
        light = self.browser.execute_script(colour)
        self.screen(1280, 900, "dark")
        self.wait(lambda: self.browser.execute_script(colour) != light)


if __name__ == "__main__":
    if not browser.is_there():
        print("no Chromium with selenium here")
        sys.exit(browser.SKIP)
    unittest.main()
