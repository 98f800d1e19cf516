// SPDX-License-Identifier: BSD-2-Clause
// What pages of reports and the live page share: the panel that shows a message, and helpers.
"use strict";

const bub = (function () {
	const panel = document.getElementById("panel");
	const watchers = []; // called when the panel has taken room, or given it back

	function colour(name) {
		return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
	}

	function element(name, text, className) {
		const made = document.createElement(name);
		if (text !== undefined) made.textContent = text;
		if (className) made.className = className;
		return made;
	}

	// ---- Messages -------------------------------------------------------------------------

	function list(fields) {
		const made = element("dl");
		for (const [name, value] of fields) {
			const isOctets = /^[0-9a-f]{12,}$/.test(value);
			made.append(element("dt", name), element("dd", value, isOctets ? "octets" : ""));
		}
		return made;
	}

	function time(ms) {
		return ms === null ? "?" : ms.toFixed(1) + " ms";
	}

	function legItem(leg) {
		const item = element("li", undefined, leg.kind);
		item.append(element("div", leg.from + " → " + leg.to + ", " + leg.how));
		const words = leg.kind === "unseen" ? "" : time(leg.left) + " → " + (leg.lost ? "lost" : time(leg.came));
		item.append(element("div", words, "quiet"));
		if (leg.layers.length) {
			const more = element("details");
			more.append(element("summary", "as it was on the wire"));
			for (const layer of leg.layers) more.append(element("b", layer.title), list(layer.fields));
			item.append(more);
		}
		return item;
	}

	function mark(rows) {
		document.querySelectorAll(".row.current").forEach((row) => row.classList.remove("current"));
		rows.forEach((row) => row.classList.add("current"));
	}

	function closePanel() {
		panel.close();
		mark([]);
		watchers.forEach((watcher) => watcher());
	}

	// rows: where it is drawn, once for screens and once for phones.
	function openMessage(message, rows) {
		const close = element("button", "×", "close");
		close.type = "button";
		close.setAttribute("aria-label", "close");
		close.addEventListener("click", closePanel);
		const legs = element("ol");
		message.legs.forEach((leg) => legs.append(legItem(leg)));
		panel.replaceChildren(close, element("h3", message.name), element("p", message.remark, "quiet"));
		if (message.fields.length) panel.append(element("h4", "It says"), list(message.fields));
		panel.append(element("h4", "Its way"), legs);
		panel.append(element("h4", "The packet inside"), list(message.addresses));
		if (message.octets) {
			const more = element("details");
			more.append(element("summary", message.octets.length / 2 + " octets"));
			more.append(element("pre", message.octets.replace(/(.{8})/g, "$1 ").trim()));
			panel.append(element("h4", "Octets of the message"), more);
		}
		mark(rows);
		if (!panel.open) panel.show();
		watchers.forEach((watcher) => watcher());
		panel.scrollTop = 0;
		uncover(rows);
	}

	// On a phone the panel comes from below: what was clicked stays in sight.
	function uncover(rows) {
		const top = panel.getBoundingClientRect().top;
		for (const row of rows) {
			const bottom = row.getBoundingClientRect().bottom;
			if (top > 60 && bottom > top) scrollBy(0, bottom - top + 8);
		}
	}

	// ---- Charts, which are dygraphs' ------------------------------------------------------

	function shade(bands) {
		return function (context, area, g) {
			for (const band of bands) {
				const from = Math.max(area.x, g.toDomXCoord(band.from));
				const to = Math.min(area.x + area.w, g.toDomXCoord(band.to));
				context.fillStyle = colour(band.what + "-band");
				if (to > from) context.fillRect(from, area.y, to - from, area.h);
			}
		};
	}

	// On a touch screen the finger scrolls the page, not the chart.
	function mouseOnly() {
		const model = {};
		for (const [name, action] of Object.entries(Dygraph.defaultInteractionModel))
			if (!name.startsWith("touch")) model[name] = action;
		return model;
	}

	document.addEventListener("keydown", (event) => {
		if (event.key === "Escape" && panel.open) closePanel();
	});

	return { colour, element, openMessage, closePanel, shade, mouseOnly, watchers };
})();
