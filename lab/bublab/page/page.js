// SPDX-License-Identifier: BSD-2-Clause
// What can be clicked in a report: handovers and messages.  The charts are dygraphs'.
"use strict";

(function () {
	const data = JSON.parse(document.getElementById("data").textContent);
	const { colour, element, shade, mouseOnly, closePanel } = bub;
	const chapters = [...document.querySelectorAll(".chapter")];
	let shown = -1;
	let charts = [];

	// ---- Charts ---------------------------------------------------------------------------

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
		const places = chapters[number].querySelectorAll(".charts");
		(data.charts[number] || []).forEach((chart, at) => drawPair(chart, places[at]));
	}

	// What charts side by side share.
	function same(chart, name) {
		return chart.same ? { dateWindow: chart.same.window, valueRange: [0, chart.same[name]] } : {};
	}

	function drawPair(chart, within) {
		const place = (name) => within.querySelector('[data-chart="' + name + '"]');
		const lost = "lost (when it was sent)";
		const colours = [colour("esp"), colour("plain")].slice(0, chart.directions.length).concat(colour("bad"));
		const names = chart.directions.concat(lost);
		draw(place("packets"), chart.packets, {
			labels: ["ms"].concat(names), colors: colours, ylabel: "delay, ms", drawPoints: true,
			strokeWidth: 0, pointSize: 2, includeZero: true, ...same(chart, "packets"),
			series: { [lost]: { drawPointCallback: Dygraph.Circles.EX, drawHighlightPointCallback: Dygraph.Circles.EX, pointSize: 3 } },
		}, chart.bands);
		draw(place("stream"), chart.stream, {
			labels: ["ms", "kB arrived"], colors: [colour("data")], ylabel: "kB arrived",
			stepPlot: true, strokeWidth: 1.6, includeZero: true, ...same(chart, "stream"),
		}, chart.bands);
		const legend = within.querySelector('[data-legend="packets"]');
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

	function openRow(row) {
		const number = row.dataset.message;
		bub.openMessage(data.messages[number],
			chapters[shown].querySelectorAll('.row[data-message="' + number + '"]'));
	}

	document.addEventListener("click", (event) => {
		const row = event.target.closest(".row[data-message]");
		const step = event.target.closest("[data-step]");
		const line = event.target.closest("tr[data-chapter]");
		if (row) openRow(row);
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
			openRow(row);
		}
	});
	bub.watchers.push(() => charts.forEach((chart) => chart.resize()));
	window.addEventListener("hashchange", fromAddress);
	matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawCharts(shown));
	fromAddress();
})();
