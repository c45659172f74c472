// SPDX-License-Identifier: GPL-2.0-only
// Looks at a page of `braid graph` from inside, and leaves what it saw, line by line, in an
// element with the id "probe". The test puts it at the end of the page.
'use strict';

const seen = [];
const say = (what, ...more) => seen.push([what, ...more].join(' '));
const all = selector => [...document.querySelectorAll(selector)];
const box = element => element.getBoundingClientRect();
const label = element => (element.textContent || element.id).trim().split('\n')[0];

addEventListener('error', e => say('error', e.message));
addEventListener('securitypolicyviolation', e => say('blocked', e.blockedURI));

const meet = (a, b) => a.left < b.right - 0.5 && b.left < a.right - 0.5 &&
	a.top < b.bottom - 0.5 && b.top < a.bottom - 0.5;
const within = (a, b) => a.left >= b.left - 0.5 && a.right <= b.right + 0.5 &&
	a.top >= b.top - 0.5 && a.bottom <= b.bottom + 0.5;

// What must not cover each other: cards, pills, tags, headers, numbers, names of programs.
function findOverlaps() {
	const things = all('a.stage > rect.card, g.leave > rect, g.case > rect, g.choice > path,' +
		'g.rollout > path, g.entry > rect, svg > text.num, svg > g:not([class]) > text');

	for (let i = 0; i < things.length; i++)
		for (let k = i + 1; k < things.length; k++)
			if (meet(box(things[i]), box(things[k])))
				say('overlap', label(things[i].parentNode), '/', label(things[k].parentNode));
	say('things', things.length);
}

// Texts stay in their shapes, and everything in the picture.
function findOverflows() {
	const page = box(document.querySelector('svg.g'));

	for (const shape of all('.stage rect.card, g.leave > rect, g.case > rect, g.entry > rect'))
		for (const text of shape.parentNode.querySelectorAll('text'))
			if (text.parentNode === shape.parentNode && !within(box(text), box(shape)))
				say('overflow', text.textContent);
	for (const element of all('svg.g text, svg.g rect, svg.g path'))
		if (!element.closest('defs') && box(element).width && !within(box(element), page))
			say('outside', element.outerHTML.slice(0, 80));
	for (const shape of all('.stage rect.card')) {
		const at = box(shape);

		if (at.width < 100 || at.height < 40)
			say('invisible', label(shape.parentNode));
	}
}

// Is it drawn at all, and in more colours than one?
async function countColours() {
	const svg = document.querySelector('svg.g').cloneNode(true);
	const style = document.createElementNS('http://www.w3.org/2000/svg', 'style');
	const canvas = document.createElement('canvas');
	const picture = new Image();

	style.textContent = [...document.querySelector('style').textContent.split('\n')]
		.filter(line => line.startsWith('.g')).join('\n');
	svg.prepend(style);
	picture.src = 'data:image/svg+xml;charset=utf-8,' +
		encodeURIComponent(new XMLSerializer().serializeToString(svg));
	await picture.decode();
	canvas.width = 400;
	canvas.height = 400;
	const pen = canvas.getContext('2d');
	pen.drawImage(picture, 0, 0, 400, 400);
	const colours = new Set(new Uint32Array(pen.getImageData(0, 0, 400, 400).data.buffer));
	say('colours', colours.size);
}

const shown = id => getComputedStyle(document.getElementById(id)).display !== 'none';
const settled = () => new Promise(done => setTimeout(done, 20));
const press = key => document.activeElement.dispatchEvent(
	new KeyboardEvent('keydown', {key, bubbles: true, cancelable: true}));

// A stage is chosen by the pointer, and left by a key.
async function chooseEach() {
	for (const link of all('a.stage')) {
		const id = link.getAttribute('href').slice(1);

		if (shown(id))
			say('open', id);
		link.dispatchEvent(new MouseEvent('click', {bubbles: true, cancelable: true}));
		await settled();
		if (!shown(id) || all('article').filter(a => shown(a.id)).length !== 1)
			say('unshown', id);
		say('facts', label(link), document.querySelectorAll('#' + id + ' tr').length);
		press('Escape');
		await settled();
		if (shown(id))
			say('unclosed', id);
		if (document.activeElement !== link)
			say('lost', id);
	}
}

// By keys alone: each stage is reached from the one in front of it.
async function walk() {
	const links = all('a.stage');
	let reached = 0;

	links[0].focus();
	for (let i = 0; i < links.length; i++) {
		reached += document.activeElement === links[i] && links[i].tabIndex >= 0;
		press('ArrowDown');
	}
	say('reached', reached, 'of', links.length);
}

addEventListener('load', async () => {
	try {
		findOverlaps();
		findOverflows();
		await countColours();
		await chooseEach();
		await walk();
	} catch (e) {
		say('error', e);
	}
	const out = document.createElement('pre');
	out.id = 'probe';
	out.textContent = '\n' + seen.join('\n') + '\ndone\n';
	document.body.append(out);
});
