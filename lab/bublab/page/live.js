// SPDX-License-Identifier: BSD-2-Clause
// The live page: shows what the server tells, and asks it to do what is clicked.
"use strict";

(function () {
	const { colour } = bub;
	const KB_MAX = 400; // of the charts: what has been waiting comes in a heap
	const worlds = ["bub", "ro"];
	const pictures = {};
	const charts = {};
	const problem = document.getElementById("problem");
	const sliders = { delay_ms: document.getElementById("delay"), loss_pct: document.getElementById("loss") };
	let held = false; // a slider is in somebody's hand, or its change is on its way

	function place(world, what) {
		return document.querySelector("#" + world + " " + what);
	}

	function say(world, what, text, isOpen) {
		const element = place(world, '[data-say="' + what + '"]');
		if (element.textContent !== text) element.textContent = text;
		element.classList.toggle("open", Boolean(isOpen));
	}

	function complain(text) {
		problem.textContent = text;
		problem.hidden = !text;
	}

	// ---- Asking ---------------------------------------------------------------------------

	async function ask(what) {
		try {
			const answer = await fetch("do", {
				method: "POST",
				headers: { "Content-Type": "application/json" },
				body: JSON.stringify(what),
			});
			complain(answer.ok ? "" : await answer.text());
		} catch (error) {
			complain("The laboratory does not answer.");
		}
	}

	document.addEventListener("click", (event) => {
		const button = event.target.closest("button");
		const row = event.target.closest(".row[data-message]");
		if (row) openRow(row);
		else if (button && button.dataset.move) ask({ do: "move", nodes: button.dataset.move.split(" ") });
		else if (button && button.dataset.cut) {
			const isCut = button.getAttribute("aria-pressed") === "true";
			ask({ do: isCut ? "mend" : "cut", link: button.dataset.cut });
		}
	});
	document.addEventListener("keydown", (event) => {
		const row = event.target.closest(".row[data-message]");
		if (row && (event.key === "Enter" || event.key === " ")) {
			event.preventDefault();
			openRow(row);
		}
	});

	function saySliders() {
		document.getElementById("delay-said").textContent = sliders.delay_ms.value + " ms";
		document.getElementById("loss-said").textContent = sliders.loss_pct.value + " %";
	}

	for (const slider of Object.values(sliders)) {
		slider.addEventListener("input", () => {
			held = true;
			saySliders();
		});
		slider.addEventListener("change", async () => {
			await ask({ do: "links", delay_ms: Number(sliders.delay_ms.value), loss_pct: Number(sliders.loss_pct.value) });
			held = false;
		});
	}

	function openRow(row) {
		const world = row.closest(".world").id;
		bub.openMessage(pictures[world].messages[Number(row.dataset.message)], [row]);
	}

	// ---- Showing --------------------------------------------------------------------------

	function milliseconds(value) {
		return value >= 10000 ? (value / 1e3).toFixed(1) + " s" : Math.round(value) + " ms";
	}

	// by_node: what each node that moved has waited; null: it waits.
	function sayWait(world, what, by_node, figures, bands) {
		const waits = Object.values(by_node);
		const isOpen = waits.length < figures.nodes.length || waits.includes(null);
		const usable = bands.find((band) => band.what === "link");
		if (!figures.nodes.length) say(world, what, "–");
		else if (isOpen) say(world, what, milliseconds((figures.age_s - usable.to) * 1e3) + " …", true);
		else say(world, what, milliseconds(Math.max(...waits)));
		place(world, '[data-say="' + what + '"]').dataset.ms = isOpen || !waits.length ? "" : Math.max(...waits);
	}

	function sayFigures(world, said) {
		const figures = said.figures;
		sayWait(world, "gap", figures.gaps, figures, said.bands);
		sayWait(world, "direct", figures.direct, figures, said.bands);
		say(world, "bound", figures.bound === null ? "–" : milliseconds(figures.bound));
		say(world, "lost", String(figures.lost));
		say(world, "silence", milliseconds(figures.silence_ms), said.stream.slice(-4).every((bin) => !bin[1]));
		const count = figures.messages === null ? "–" : figures.messages - figures.later;
		say(world, "messages", count + (figures.later ? " +" + figures.later : ""));
		const modes = place(world, '[data-say="modes"]');
		modes.replaceChildren();
		for (const [node, mode] of Object.entries(said.modes)) {
			modes.append(bub.element("span", node + ": " + mode, "mode " + mode), " ");
		}
	}

	function drawStream(world, said, top) {
		const rows = said.stream;
		charts[world] ||= { bands: [] };
		const chart = charts[world];
		chart.bands = said.bands;
		const options = {
			file: rows, valueRange: [0, top],
			dateWindow: [rows[0][0], rows[rows.length - 1][0]],
		};
		if (chart.graph) {
			chart.graph.updateOptions(options);
			return;
		}
		chart.graph = new Dygraph(place(world, '[data-chart="stream"]'), rows, Object.assign({
			labels: ["s", "kB/s"], colors: [colour("data")], ylabel: "kB a second",
			stepPlot: true, fillGraph: true, strokeWidth: 1.4, gridLineColor: colour("rule"),
			axisLineColor: colour("rule"), interactionModel: {}, legend: "never",
			highlightCircleSize: 0,
			underlayCallback: (...all) => bub.shade(chart.bands)(...all),
			axes: { x: { axisLabelFormatter: (s) => s.toFixed(0) + " s" } },
		}, options));
	}

	function drawPicture(world, picture) {
		pictures[world] = picture;
		place(world, '[data-put="topology"]').innerHTML = picture.topology;
		place(world, '[data-put="ladder"]').innerHTML = picture.ladder;
		say(world, "notes", picture.notes.join(" "));
	}

	function sayLinks(links) {
		for (const [name, slider] of Object.entries(sliders)) {
			if (!held) slider.value = links[name];
			slider.disabled = false;
		}
		if (!held) saySliders();
		for (const button of document.querySelectorAll("[data-cut]")) {
			button.setAttribute("aria-pressed", String(links.cut.includes(button.dataset.cut)));
		}
	}

	function show(said) {
		const streams = worlds.map((world) => said.worlds[world].stream);
		const top = Math.min(KB_MAX, 1.1 * Math.max(50, ...streams.flat().map((bin) => bin[1])));
		const figures = said.worlds.bub.figures;
		document.getElementById("label").textContent = figures.label;
		document.getElementById("age").textContent = figures.age_s.toFixed(0) + " s ago";
		for (const world of worlds) {
			sayFigures(world, said.worlds[world]);
			drawStream(world, said.worlds[world], top);
		}
		for (const [world, picture] of Object.entries(said.pictures)) drawPicture(world, picture);
		sayLinks(said.links);
	}

	const source = new EventSource("events");
	source.addEventListener("message", (event) => show(JSON.parse(event.data)));
	source.addEventListener("error", () => complain("The laboratory has ended, or does not answer."));
	source.addEventListener("open", () => complain(""));

	bub.watchers.push(() => Object.values(charts).forEach((chart) => chart.graph.resize()));
	matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
		for (const chart of Object.values(charts)) {
			chart.graph.updateOptions({
				colors: [colour("data")], gridLineColor: colour("rule"), axisLineColor: colour("rule"),
			});
		}
	});
})();
