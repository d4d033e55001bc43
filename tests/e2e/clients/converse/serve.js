// Serves this folder's page and the Converse.js that is installed beside it, on loopback, while a command runs which
// finds WEB_ORIGIN; exits with its status.
import { spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { createServer } from 'node:http';
import { dirname, extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const types = {
  '.css': 'text/css', '.html': 'text/html', '.js': 'text/javascript', '.json': 'application/json',
  '.mp3': 'audio/mpeg', '.png': 'image/png', '.svg': 'image/svg+xml', '.wasm': 'application/wasm',
  '.woff2': 'font/woff2',
};

// Converse.js would show pictures from its makers' site.
const policy = "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; connect-src 'self' ws://127.0.0.1:*";

const server = createServer((request, response) => {
  const path = normalize(decodeURIComponent(new URL(request.url, 'http://page').pathname));
  const file = path === '/' ? 'page.html' : path.startsWith('/dist/') ? `node_modules/converse.js${path}` : '';
  const stream = createReadStream(join(here, file || 'nothing'));
  stream.on('open', () => {
    const type = types[extname(file)] ?? 'application/octet-stream';
    response.writeHead(200, { 'Content-Type': type, 'Content-Security-Policy': policy });
    stream.pipe(response);
  });
  stream.on('error', () => response.writeHead(404).end());
});

server.listen(0, '127.0.0.1', () => {
  const [command, ...words] = process.argv.slice(2);
  const environment = { ...process.env, WEB_ORIGIN: `http://127.0.0.1:${server.address().port}` };
  const child = spawn(command, words, { stdio: 'inherit', env: environment });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => (console.error(error.message), process.exit(1)));
  child.on('exit', (status) => process.exit(status ?? 1));
});
