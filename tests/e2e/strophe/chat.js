// A person in a browser: logs in with strophe.js, by WebSocket and by BOSH, writes to an agent and waits for its receipt
// and its answer. Prints TAP. Reads what `lab env` prints from the environment.
import { DOMParser } from '@xmldom/xmldom';
import { Strophe, $msg, $pres } from 'strophe.js';

const { WS_URL, BOSH_URL, ACCOUNT_JID, ACCOUNT_PASSWORD, AGENTS_DOMAIN } = process.env;
const AGENT = `guide@${AGENTS_DOMAIN}`;
const PATIENCE = 60_000;

// BOSH is not for pages alone, but strophe.js asks a page's XMLHttpRequest.
class Request {
  readyState = 0;
  status = 0;
  responseText = '';
  responseXML = null;
  #abort = new AbortController();
  #url;
  #headers = {};

  open(_method, url) {
    this.#url = url;
    this.readyState = 1;
  }

  overrideMimeType() {}

  getAllResponseHeaders() {
    return '';
  }

  setRequestHeader(name, value) {
    this.#headers[name] = value;
  }

  async send(body) {
    try {
      const reply = await fetch(this.#url, { method: 'POST', body, headers: this.#headers, signal: this.#abort.signal });
      this.status = reply.status;
      this.responseText = await reply.text();
      this.responseXML = new DOMParser().parseFromString(this.responseText, 'text/xml');
    } catch {
      this.status = 0;
    }
    this.readyState = 4;
    this.onreadystatechange?.();
  }

  abort() {
    this.#abort.abort();
  }
}
globalThis.XMLHttpRequest ??= Request;

function within(what, work) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${what}: nothing came within ${PATIENCE / 1000} s`)), PATIENCE);
    work(
      (value) => (clearTimeout(timer), resolve(value)),
      (error) => (clearTimeout(timer), reject(error instanceof Error ? error : new Error(error))),
    );
  });
}

function logIn(connection, password) {
  return within('log-in', (resolve, reject) =>
    connection.connect(ACCOUNT_JID, password, (status, condition) => {
      if (status === Strophe.Status.CONNECTED) resolve(connection);
      if (status === Strophe.Status.AUTHFAIL) reject(`authentication failed: ${condition}`);
      if (status === Strophe.Status.CONNFAIL) reject(`connection failed: ${condition}`);
    }),
  );
}

function ask(connection, text) {
  const id = connection.getUniqueId('ask');
  return within('answer', (resolve, reject) => {
    let receipt = false;
    connection.addHandler((stanza) => {
      if (Strophe.getBareJidFromJid(stanza.getAttribute('from')) !== AGENT) return true;
      if (stanza.getAttribute('type') === 'error') {
        reject(`an error: ${Strophe.serialize(stanza)}`);
        return false;
      }
      receipt ||= [...stanza.getElementsByTagName('received')].some((child) => child.getAttribute('id') === id);
      const body = stanza.getElementsByTagName('body')[0]?.textContent;
      if (!body) return true;
      receipt ? resolve(body) : reject('the answer came without a receipt');
      return false;
    }, null, 'message');
    connection.send($pres());
    connection.send(
      $msg({ to: AGENT, type: 'chat', id }).c('body').t(text).up().c('request', { xmlns: 'urn:xmpp:receipts' }),
    );
  });
}

async function talk(url) {
  const offered = new Set();
  const connection = new Strophe.Connection(url);
  connection.xmlInput = (element) => {
    for (const mechanism of element.getElementsByTagName('mechanism')) offered.add(mechanism.textContent);
  };
  await logIn(connection, ACCOUNT_PASSWORD);
  const weak = [...offered].filter((mechanism) => !mechanism.startsWith('SCRAM-SHA-256'));
  if (weak.length || !offered.size) throw new Error(`the server offers ${[...offered].join(', ') || 'nothing'}`);
  const answer = await ask(connection, 'What does a delivery receipt mean?');
  connection.disconnect('done');
  return answer;
}

async function refused(url) {
  try {
    await logIn(new Strophe.Connection(url), 'not the password');
  } catch (error) {
    if (/authentication failed/.test(error.message)) return;
    throw error;
  }
  throw new Error('logged in with a wrong password');
}

async function foreignPage(url) {
  const { default: WebSocket } = await import('ws');
  await within('an answer to a foreign page', (resolve, reject) => {
    const socket = new WebSocket(url, 'xmpp', { origin: 'https://elsewhere.example' });
    socket.on('open', () => reject('a page from elsewhere may open a WebSocket'));
    socket.on('error', () => resolve());
  });
}

const tests = {
  person_talks_to_guide_over_websocket: () => talk(WS_URL),
  person_talks_to_guide_over_bosh: () => talk(BOSH_URL),
  wrong_password_is_refused_over_websocket: () => refused(WS_URL),
  wrong_password_is_refused_over_bosh: () => refused(BOSH_URL),
  page_from_elsewhere_opens_no_websocket: () => foreignPage(WS_URL),
};

Strophe.setLogLevel(Strophe.LogLevel.FATAL);
let number = 0;
let failed = 0;
console.log(`1..${Object.keys(tests).length}`);
for (const [name, test] of Object.entries(tests)) {
  number += 1;
  try {
    await test();
    console.log(`ok ${number} - ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`not ok ${number} - ${name}`);
    console.log(`# ${error.message}`);
  }
}
process.exit(failed ? 1 : 0);
