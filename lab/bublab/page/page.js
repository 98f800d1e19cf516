// SPDX-License-Identifier: BSD-2-Clause
// What can be clicked in a report: handovers and messages.  The charts are dygraphs'.
"use strict";

(function () {
	const data = JSON.parse(document.getElementById("data").textContent);
	const panel = document.getElementById("panel");
	const chapters = [...document.querySelectorAll(".chapter")];
	let shown = -1;
	let charts = [];

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

	function closePanel() {
		panel.close();
		charts.forEach((chart) => chart.resize());
		document.querySelectorAll(".row.current").forEach((row) => row.classList.remove("current"));
	}

	function openMessage(number) {
		const message = data.messages[number];
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
		document.querySelectorAll(".row.current").forEach((row) => row.classList.remove("current"));
		document.querySelectorAll('.row[data-message="' + number + '"]').forEach((row) => row.classList.add("current"));
		if (!panel.open) panel.show();
		charts.forEach((chart) => chart.resize());
		panel.scrollTop = 0;
		uncover(number);
	}

	// On a phone the panel comes from below: what was clicked stays in sight.
	function uncover(number) {
		const top = panel.getBoundingClientRect().top;
		for (const row of chapters[shown].querySelectorAll('.row[data-message="' + number + '"]')) {
			const bottom = row.getBoundingClientRect().bottom;
			if (top > 60 && bottom > top) scrollBy(0, bottom - top + 8);
		}
	}

	// ---- Charts ---------------------------------------------------------------------------

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

	function draw(place, rows, options, bands) {
		if (!rows.length) {
			place.textContent = "Nothing of it was recorded.";
			return;
		}
		charts.push(new Dygraph(place, rows, Object.assign({
			xlabel: "ms after the new address was usable",
			gridLineColor: colour("rule"),
			axisLineColor: colour("rule"),
			underlayCallback: shade(bands),
			interactionModel: mouseOnly(),
			legend: "follow",
			highlightCircleSize: 4,
			xRangePad: 4,
			axes: { x: { axisLabelFormatter: (ms) => String(Math.round(ms)), valueFormatter: (ms) => ms.toFixed(1) + " ms" } },
		}, options)));
	}

	function drawCharts(number) {
		charts.forEach((chart) => chart.destroy());
		charts = [];
		const chart = data.charts[number];
		if (!chart) return;
		const place = (name) => chapters[number].querySelector('[data-chart="' + name + '"]');
		const lost = "lost (when it was sent)";
		const colours = [colour("esp"), colour("plain")].slice(0, chart.directions.length).concat(colour("bad"));
		const names = chart.directions.concat(lost);
		draw(place("packets"), chart.packets, {
			labels: ["ms"].concat(names), colors: colours, ylabel: "delay, ms", drawPoints: true,
			strokeWidth: 0, pointSize: 2, includeZero: true,
			series: { [lost]: { drawPointCallback: Dygraph.Circles.EX, drawHighlightPointCallback: Dygraph.Circles.EX, pointSize: 3 } },
		}, chart.bands);
		draw(place("stream"), chart.stream, {
			labels: ["ms", "kB arrived"], colors: [colour("data")], ylabel: "kB arrived",
			stepPlot: true, strokeWidth: 1.6, includeZero: true,
		}, chart.bands);
		const legend = chapters[number].querySelector('[data-legend="packets"]');
		legend.replaceChildren();
		names.forEach((name, at) => {
			const point = element("span", name === lost ? "×" : "●", "point");
			point.style.color = colours[at];
			legend.append(point, name);
		});
	}

	// ---- Handovers ------------------------------------------------------------------------

	function show(number) {
		if (number === shown || !chapters[number]) return;
		shown = number;
		closePanel();
		chapters.forEach((chapter, at) => { chapter.hidden = at !== number; });
		document.querySelectorAll("tr[data-chapter]").forEach((row) =>
			row.classList.toggle("current", Number(row.dataset.chapter) === number));
		chapters[number].querySelectorAll("[data-step]").forEach((button) => {
			button.disabled = !chapters[number + Number(button.dataset.step)];
		});
		drawCharts(number);
	}

	function fromAddress() {
		const found = /^#h(\d+)$/.exec(location.hash);
		show(found ? Number(found[1]) - 1 : 0);
	}

	function go(number) {
		history.replaceState(null, "", "#h" + (number + 1));
		show(number);
	}

	document.addEventListener("click", (event) => {
		const row = event.target.closest(".row[data-message]");
		const step = event.target.closest("[data-step]");
		const line = event.target.closest("tr[data-chapter]");
		if (row) openMessage(Number(row.dataset.message));
		else if (step) go(shown + Number(step.dataset.step));
		else if (line) {
			event.preventDefault();
			go(Number(line.dataset.chapter));
			chapters[shown].scrollIntoView({ behavior: "smooth" });
		}
	});
	document.addEventListener("keydown", (event) => {
		const row = event.target.closest(".row[data-message]");
		if (row && (event.key === "Enter" || event.key === " ")) {
			event.preventDefault();
			openMessage(Number(row.dataset.message));
		} else if (event.key === "Escape" && panel.open) closePanel();
	});
	window.addEventListener("hashchange", fromAddress);
	matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawCharts(shown));
	fromAddress();
})();
