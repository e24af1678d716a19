// Opens each page of the built guide in a browser, on a phone and on a desktop, and fails if
//
// - the console has an error or a warning, a script throws, or a file is missing;
// - something is loaded from another place than the book;
// - a page is wider than the screen, a picture has no size, or code has no colours;
// - columns of a table are hidden at the right, except in FORMAT, whose widest table does not fit a phone;
// - the search box finds nothing.
//
//     node browse.mjs BOOK BROWSER [SCREENSHOTS]
//
// With a folder for SCREENSHOTS, each page is also stored as an image, light and dark.
import { createServer } from 'node:http';
import { mkdir, readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { chromium } from 'playwright-core';

const [book, executablePath, screenshots] = process.argv.slice(2);
const TYPES = { '.html': 'text/html', '.css': 'text/css', '.js': 'text/javascript', '.svg': 'image/svg+xml' };
const SCREENS = [
  { name: '400-light', width: 400, height: 800, colorScheme: 'light' },
  { name: '1400-dark', width: 1400, height: 900, colorScheme: 'dark' },
  ...(screenshots
    ? [
        { name: '400-dark', width: 400, height: 800, colorScheme: 'dark' },
        { name: '1400-light', width: 1400, height: 900, colorScheme: 'light' },
      ]
    : []),
];

const server = createServer(async (request, response) => {
  const file = path.join(book, decodeURIComponent(new URL(request.url, 'http://book').pathname));
  try {
    const body = await readFile(file);
    response.writeHead(200, { 'content-type': TYPES[path.extname(file)] ?? 'application/octet-stream' }).end(body);
  } catch {
    response.writeHead(404).end();
  }
});
await new Promise(ready => server.listen(0, '127.0.0.1', ready));
const origin = `http://127.0.0.1:${server.address().port}`;

const problems = new Set();
const pages = (await readdir(book, { recursive: true })).filter(name => name.endsWith('.html') && name !== 'toc.html');
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
for (const { name, width, height, colorScheme } of SCREENS) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme, reducedMotion: 'reduce' });
  const tab = await context.newPage();
  tab.setDefaultTimeout(120_000);
  let current;
  const report = text => problems.add(`${current}, ${name}: ${text}`);
  tab.on('console', message => ['error', 'warning'].includes(message.type()) && report(message.text()));
  tab.on('pageerror', error => report(`a script threw: ${error.message}`));
  tab.on('requestfailed', request => report(`not loaded: ${request.url()}`));
  tab.on('response', response => response.status() >= 400 && report(`${response.status()}: ${response.url()}`));
  tab.on('request', request => request.url().startsWith(origin) || report(`from elsewhere: ${request.url()}`));
  for (current of pages) {
    await tab.goto(`${origin}/${current}`);
    const seen = await tab.evaluate(() => ({
      // Code and tables scroll in boxes of their own. What else is too wide makes one of these scroll.
      wide: [document.documentElement, ...document.querySelectorAll('.page, #mdbook-content, main')]
        .filter(element => element.scrollWidth > element.clientWidth)
        .map(element => `${element.tagName} has ${element.scrollWidth} pixels in ${element.clientWidth}`),
      hidden: [...document.querySelectorAll('.table-wrapper')]
        .filter(box => box.scrollWidth > box.clientWidth + 16)
        .map(box => `${box.scrollWidth - box.clientWidth} pixels of the table "${box.innerText.slice(0, 40)}"`),
      colourless: document.querySelector('pre > code') && !document.querySelector('pre > code.hljs'),
      pictures: [...document.images].filter(image => !image.naturalWidth).map(image => image.src),
    }));
    for (const element of seen.wide) report(`wider than the screen: ${element}`);
    if (current !== 'FORMAT.html' && current !== 'print.html') {
      for (const table of seen.hidden) report(`hidden at the right: ${table}`);
    }
    if (seen.colourless) report('code has no colours: mdBook\'s own script did not run');
    for (const picture of seen.pictures) report(`an empty picture: ${picture}`);
    if (screenshots && current !== 'print.html') {
      await mkdir(screenshots, { recursive: true });
      await tab.screenshot({ path: path.join(screenshots, `${current.replace(/[/]/g, '-').replace('.html', '')}-${name}.png`), fullPage: true });
    }
  }
  current = 'index.html';
  await tab.goto(`${origin}/index.html?search=rotation`);
  const found = tab.locator('#mdbook-searchresults li');
  await found.nth(1).waitFor({ timeout: 10_000 }).catch(() => report('the search box does not find "rotation" twice'));
  await context.close();
}
await browser.close();
server.close();

for (const problem of problems) console.error(problem);
console.log(`${pages.length} pages on ${SCREENS.length} screens: ${problems.size} problems`);
process.exitCode = problems.size ? 1 : 0;
