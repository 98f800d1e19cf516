#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""`bublab live` with real daemons, in headless Chromium, by clicking.

    check_live.py [FOLDER]    with FOLDER, screenshots are left in it
"""

import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "unit" / "lab"))
import browser
from bublab import remains

if browser.is_there():
    from selenium.webdriver.common.keys import Keys

START_S, STEP_S = 90, 40  # the machine may have other things to do
SCREENS = None


def left_of(pid):
    """What a lab of this process has not taken down."""
    names = [name for name in remains.namespaces() if name.startswith(f"bub-{pid}-")]
    folders = [remains.RUN_DIR / str(pid)]
    folders += pathlib.Path(tempfile.gettempdir()).glob(remains.temporary_prefix(pid) + "*")
    return names + [str(folder) for folder in folders if folder.exists()]


class Live(browser.PageTest):
    @classmethod
    def setUpClass(cls):
        cls.lab = subprocess.Popen(
            [sys.executable, "-m", "bublab", "live", "--port", "0"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        cls.addClassCleanup(cls.lab.stdout.close)
        cls.addClassCleanup(cls.lab.wait)
        cls.addClassCleanup(cls.lab.kill)
        said = ""
        while not (found := re.search(r"http://127\.0\.0\.1:\d+/", said)):
            line = cls.lab.stdout.readline()
            if not line:
                raise AssertionError(f"no live page: {said}")
            said += line
        cls.address = found.group()
        cls.profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        cls.browser = browser.start(cls.profile.name)
        cls.addClassCleanup(cls.profile.cleanup)
        cls.addClassCleanup(cls.browser.quit)

    @classmethod
    def tearDownClass(cls):
        """Ctrl-C ends it, and nothing is left."""
        cls.lab.send_signal(signal.SIGINT)
        said = cls.lab.communicate(timeout=60)[0]
        assert cls.lab.returncode == 0, said
        assert left_of(cls.lab.pid) == [], left_of(cls.lab.pid)

    def setUp(self):
        self.screen(1280, 1500)
        self.browser.get(self.address)
        self.wait(lambda: self.find("#delay:enabled"), START_S)

    def tearDown(self):
        self.assertEqual(self.browser.get_log("browser"), [])

    def picture(self, name):
        if SCREENS:
            self.browser.save_screenshot(str(SCREENS / f"{name}.png"))

    def value(self, world, what):
        """In ms; None: it has not come about."""
        text = self.find(f'#{world} [data-say="{what}"]')[0].get_attribute("data-ms")  # never replaced
        return float(text) if text else None

    def label(self):
        return self.words("#label")

    def rows(self, world):
        return len(self.find(f"#{world} .ladder .row"))

    def click(self, selector):
        self.find(selector)[0].click()

    def both_settle(self):
        """Until the direct path is in use again in both worlds, and the modes are as before."""
        self.wait(lambda: all(self.value(w, "direct") is not None for w in ("bub", "ro")), STEP_S)
        self.wait(lambda: len(self.find("#bub .mode.bub")) == 2, STEP_S)
        self.wait(lambda: len(self.find("#ro .mode.ro")) == 2, STEP_S)

    def test_both_move(self):
        self.both_away()
        self.click('[data-move="mn1 mn2"]')
        self.wait(lambda: "in the same instant" in self.label(), STEP_S)
        counts, direct = [], None
        while direct is None:
            counts.append(self.rows("ro"))
            self.wait(lambda: True)
            direct = self.value("ro", "direct")
        self.both_settle()
        counts.append(self.rows("ro"))
        self.assertGreaterEqual(len(set(counts)), 2, counts)  # it has grown
        self.assertEqual(len(self.find("#bub .mobile.moved")), 2)
        # Care-of Test Inits that were lost are sent again after a second (RFC 6275, 11.8).
        self.assertLess(self.value("bub", "direct"), self.value("ro", "direct"))
        self.assertGreater(self.value("ro", "direct"), 1000)
        words = self.words("#bub .ladder")
        for word in ("Binding Update", "Binding Acknowledgement", "first data", "lost"):
            self.assertIn(word, words)
        self.assertIn("Care-of Test Init", self.words("#ro .ladder"))
        self.picture("both-moved")
        self.message_opens()
        self.charts_are_drawn()

    def both_away(self):
        """Whatever was done before, the next move is one of both from there."""
        self.wait(lambda: len(self.find("#bub .mode.bub")) == 2, STEP_S)
        self.wait(lambda: len(self.find("#ro .mode.ro")) == 2, STEP_S)

    def message_opens(self):
        self.browser.execute_script("""
            const row = document.querySelector('#bub .row[aria-label^="Binding Update"]');
            row.scrollIntoView({block: "center"});
            row.dispatchEvent(new MouseEvent("click", {bubbles: true}));
        """)
        panel = self.find("#panel")[0]
        self.wait(panel.is_displayed)
        for word in ("It says", "Its way", "inside ESP"):
            self.assertIn(word, panel.text)
        self.picture("message")
        self.find("#panel .close")[0].click()
        self.wait(lambda: not panel.is_displayed())

    def charts_are_drawn(self):
        for world in ("bub", "ro"):
            self.assertTrue(self.find(f"#{world} .chart canvas"))
            self.assertTrue(self.find(f"#{world} .chart .dygraph-axis-label"))

    def test_one_moves(self):
        self.both_away()
        self.click('[data-move="mn1"]')
        self.wait(lambda: self.label().startswith("mn1 moves"), STEP_S)
        self.both_settle()
        for world in ("bub", "ro"):
            self.assertEqual(len(self.find(f"#{world} .mobile.moved")), 1)
            self.assertIsNotNone(self.value(world, "gap"))

    def test_link_is_cut_and_mended(self):
        self.both_away()
        self.click('[data-cut="mn2"]')
        self.wait(lambda: self.find('[data-cut="mn2"][aria-pressed="true"]'), STEP_S)
        self.wait(lambda: len(self.find(".mobile.cut")) == 2, STEP_S)
        self.wait(lambda: self.find('#bub [data-say="silence"].open'), STEP_S)
        self.picture("cut")
        self.click('[data-cut="mn2"]')
        self.wait(lambda: "is back at" in self.label(), STEP_S)
        self.both_settle()
        self.assertEqual(self.find('[aria-pressed="true"]'), [])
        self.click('[data-cut="ha1"]')
        self.wait(lambda: len(self.find(".wire.cut")) == 2, STEP_S)
        self.click('[data-cut="ha1"]')
        self.wait(lambda: not self.find(".wire.cut"), STEP_S)

    def test_sliders(self):
        self.find("#delay")[0].send_keys(Keys.ARROW_RIGHT)
        self.wait(lambda: self.words("#bub .topology").count("12 ms") == 4, STEP_S)
        self.find("#loss")[0].send_keys(Keys.ARROW_RIGHT)
        self.wait(lambda: self.words("#loss-said") == "1 %")
        self.browser.refresh()  # another page is told of it
        self.wait(lambda: self.words("#loss-said") == "1 %", STEP_S)
        self.assertEqual(self.words("#delay-said"), "36 ms")
        for slider in ("#delay", "#loss"):
            self.find(slider)[0].send_keys(Keys.ARROW_LEFT)
        self.wait(lambda: self.words("#bub .topology").count("10 ms") == 4, STEP_S)

    def test_phone_and_dark(self):
        colour = "return getComputedStyle(document.body).backgroundColor"
        light = self.browser.execute_script(colour)
        self.picture("light")
        self.screen(1280, 1500, "dark")
        self.wait(lambda: self.browser.execute_script(colour) != light)
        self.picture("dark")
        self.screen(360, 740)
        self.wait(lambda: self.page_width() == 360)
        self.assertTrue(self.find('[data-move="mn1 mn2"]')[0].is_displayed())
        self.picture("phone")


if __name__ == "__main__":
    if not browser.is_there() or os.geteuid() != 0:
        print("no Chromium with selenium here, or no root")
        sys.exit(browser.SKIP)
    if len(sys.argv) > 1:
        SCREENS = pathlib.Path(sys.argv.pop(1))
    unittest.main(verbosity=2)
