// A conversation in Converse.js, in a browser without a window: what a person would click and type is done, what a
// person would see is read and printed. Each test goes on where the one before it ended. PICTURES names a folder for
// pictures of a chat and of a command's form.
import { createHash } from 'node:crypto';
import { chromium } from 'playwright-core';

const { ACCOUNT_JID, ACCOUNT_PASSWORD, AGENTS_DOMAIN, CHROMIUM, PICTURES, WEB_ORIGIN, WS_URL } = process.env;
const [DESK, TIRED, SECRET, NOBODY] = ['desk.acme', 'tired.acme', 'secret.zeta', 'nobody.zeta'].map(
  (name) => `${name}@${AGENTS_DOMAIN}`,
);
const PATIENCE = 15_000;

const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] });
const page = await browser.newPage({ viewport: { width: 900, height: 580 } });
page.setDefaultTimeout(PATIENCE);

const elsewhere = new Set();
const frames = [];
page.on('requestfinished', (request) => note(request.url()));
page.on('requestfailed', (request) => request.failure().errorText !== 'csp' && note(request.url()));
page.on('websocket', (socket) => {
  note(socket.url());
  socket.on('framereceived', (frame) => frames.push(String(frame.payload)));
});

function note(url) {
  if (![WEB_ORIGIN, WS_URL, 'data:', 'blob:'].some((ours) => url.startsWith(ours))) elsewhere.add(url);
}

function say(text) {
  for (const line of text.split('\n')) console.log(`# ${line}`);
}

function check(holds, otherwise) {
  if (!holds) throw new Error(otherwise);
}

const seen = new Set();

// What has appeared in the chat that is open.
async function transcript() {
  for (const message of await page.locator('.chat-msg:visible').all()) {
    const text = (await message.locator('.chat-msg__message').allInnerTexts()).join(' ! ');
    const author = await message.getAttribute('data-from');
    const line = `${(author ?? '').split('/')[0]}: ${text.replace(/\u200b/g, '').trim()}`;
    if (!seen.has(line)) say(line.replace(/\n+/g, '\n    '));
    seen.add(line);
  }
}

async function picture(name) {
  const style = 'converse-toast, .toast { display: none !important; }';
  if (PICTURES) await page.screenshot({ path: `${PICTURES}/${name}.png`, animations: 'disabled', style });
}

const entry = () => page.locator('textarea.chat-textarea:visible');
const lastly = (text) => page.locator('.chat-msg:visible', { hasText: text }).last();

async function write(text) {
  say(`${ACCOUNT_JID} > ${text}`);
  await entry().fill(text);
  await entry().press('Enter');
}

async function answered(text) {
  await lastly(text).waitFor();
  await transcript();
}

async function act(message, action) {
  await message.hover();
  await message.locator('.chat-msg__actions .dropdown-toggle').click();
  await message.locator(`.chat-msg__action-${action}`).click();
}

async function addContact(jid) {
  say(`adds ${jid}`);
  await page.click('.dropdown--contacts button');
  await page.click('.add-contact');
  const form = page.locator('form.add-xmpp-contact');
  await form.locator('input[name=jid]').fill(jid);
  await form.locator('button[type=submit]').click();
  await form.waitFor({ state: 'detached' });
}

const contact = (jid, status = '') => page.locator(`.roster-contacts li${status}:has([data-jid="${jid}"])`);

async function open(jid) {
  await contact(jid).locator('.open-chat').click();
  await page.locator(`converse-chat[jid="${jid}"] textarea.chat-textarea`).waitFor();
}

const commands = () => page.locator('converse-adhoc-commands');

async function listCommands(jid) {
  await page.click('.show-client-info');
  await page.click('#commands-tab');
  await commands().locator('input[name=jid]').fill(jid);
  await commands().locator('input[type=submit]').first().click();
  await commands().locator('[data-command-node]').first().waitFor();
  say(`commands of ${jid}: ${(await commands().locator('[data-command-node]').allInnerTexts()).join(', ')}`);
}

async function command(node) {
  await commands().locator(`[data-command-node="${node}"]`).click();
  await commands().locator('form.converse-form .form-instructions').waitFor();
}

async function press(action) {
  await commands().locator(`[data-action=${action}]`).click();
}

// Converse.js shows a result's fields as inputs that are filled in.
async function result() {
  await commands().locator('input[name=state]').waitFor();
  const inputs = await commands().locator('form.converse-form input[type=text]').all();
  const pairs = await Promise.all(inputs.map(async (i) => [await i.getAttribute('name'), await i.inputValue()]));
  say(pairs.map((pair) => pair.join(': ')).join(', '));
  return Object.fromEntries(pairs);
}

async function closeCommands() {
  await page.locator('.modal.show .modal-footer button, .modal.show .btn-close').first().click();
  await page.locator('.modal.show').waitFor({ state: 'detached' });
}

async function a_person_logs_in_over_websocket() {
  await page.goto(`${WEB_ORIGIN}/?ws=${encodeURIComponent(WS_URL)}`);
  await page.fill('input[name=jid]', ACCOUNT_JID);
  await page.fill('input[name=password]', ACCOUNT_PASSWORD);
  await page.press('input[name=password]', 'Enter');
  await page.locator('.roster-contacts').waitFor();
}

async function a_subscription_is_accepted_and_shows_the_agent_online() {
  await addContact(DESK);
  await contact(DESK, '[data-status=online]').waitFor();
  say(`${(await contact(DESK).innerText()).trim()} is online`);
}

async function the_agents_picture_is_the_one_that_its_presence_announces() {
  await open(DESK);
  const avatar = '.chat-head:visible converse-avatar';
  const image = page.locator(`${avatar} img, ${avatar} image`).first();
  await image.waitFor();
  const address = (await image.getAttribute('src')) ?? (await image.getAttribute('href'));
  check(address.startsWith('data:image/png;base64,'), `the picture is ${address.slice(0, 60)}`);
  const hash = createHash('sha1').update(Buffer.from(address.split(',')[1], 'base64')).digest('hex');
  const announced = frames.flatMap((frame) =>
    frame.includes(`from='${DESK}/aiox'`) ? (frame.match(/<photo>([0-9a-f]{40})<\/photo>/)?.[1] ?? []) : [],
  );
  say(`a picture with SHA-1 ${hash}`);
  check(announced.includes(hash), `presence announced ${announced}`);
}

async function a_question_shows_typing_and_is_answered() {
  await write('When are you open?');
  const typing = page.locator('.chat-content__notifications:visible', { hasText: 'is typing' });
  await typing.waitFor();
  say(`(${await typing.innerText()})`);
  await answered('We are open from nine to five');
  await lastly('When are you open?').locator('.chat-msg__receipt').waitFor();
  check((await lastly('We are open').locator('b').innerText()) === 'Monday to Friday', 'bold text is not bold');
  await typing.waitFor({ state: 'hidden' });
  await picture('converse-chat');
}

async function a_waiting_message_can_be_corrected() {
  await write('There is no hurry.');
  await write('Paint it red.');
  await act(lastly('Paint it red.'), 'edit');
  await write('Paint it blue.');
  await answered('Here I am again.');
  await answered('Blue it is.');
  check((await page.getByText('Red it is.').count()) === 0, 'what was corrected was answered');
}

async function a_waiting_message_can_be_retracted() {
  await write('Once more, there is no hurry.');
  await write('Or paint it red.');
  await act(lastly('Or paint it red.'), 'retract');
  await page.click('.modal.show button[type=submit]');
  await page.getByText('You have removed a message').waitFor();
  await write('/status');
  await answered('waiting: 0');
  check((await page.getByText('Here I am again.').count()) === 2, 'what came before was not answered');
  check((await page.getByText('Red it is.').count()) === 0, 'what was retracted was answered');
}

async function a_command_that_there_is_not_is_refused_politely() {
  await write('/statsu');
  await answered("did you mean 'status'");
}

async function commands_are_listed_as_text() {
  // Its own /help is not sent.
  await write('/commands');
  await answered('/forget');
}

async function commands_are_listed_and_run_as_forms() {
  await listCommands(DESK);
  await command('agent-pause');
  await commands().locator('input[name=reason]').fill('Having lunch.');
  await press('complete');
  check((await result()).state === 'paused', 'it is not paused');
  await closeCommands();
  await contact(DESK, '[data-status=away]').waitFor();
  await write('Hello?');
  await page.getByText('desk is paused: Having lunch.').first().waitFor();
  await transcript();
  await listCommands(DESK);
  await commands().locator('[data-command-node="agent-resume"]').click();
  await contact(DESK, '[data-status=online]').waitFor();
  await closeCommands();
}

async function a_command_of_several_steps_is_walked_through() {
  await listCommands(AGENTS_DOMAIN);
  await command('agent-create');
  await commands().locator('input[name=name]').fill('clerk');
  await commands().locator('[data-action=next]').evaluate((button) => button.scrollIntoView({ block: 'end' }));
  await picture('converse-command');
  await commands().locator('input[name=name]').fill('Not A Name');
  await press('next');
  await commands().locator('.form-instructions', { hasText: "'name' must be" }).waitFor();
  await commands().locator('input[name=name]').fill('clerk');
  await press('next');
  await commands().locator('select[name=visibility]').waitFor();
  check((await commands().locator('input[name=owner]').inputValue()) === '', 'the second page has values of the first');
  await commands().locator('select[name=visibility]').selectOption('tenant');
  await press('complete');
  check((await result()).jid === `clerk.acme@${AGENTS_DOMAIN}`, 'it was not made');
  await closeCommands();
}

async function a_paused_agent_is_away_and_says_why_it_does_not_answer() {
  await addContact(TIRED);
  await contact(TIRED, '[data-status=away]').waitFor();
  await open(TIRED);
  await write('Are you there?');
  await page.getByText('tired is paused: Back at noon.').first().waitFor();
  await transcript();
}

// What a person who adds somebody and writes sees, without the name.
async function refusal(jid) {
  await addContact(jid);
  await page.locator(`converse-chat[jid="${jid}"] textarea.chat-textarea`).waitFor();
  await contact(jid).waitFor({ state: 'detached' });
  await write('Hello?');
  await page.locator('.chat-msg:visible', { hasText: 'There is no such agent here.' }).waitFor();
  await transcript();
  const shown = await page.locator(`converse-chat[jid="${jid}"]`).innerText();
  return shown.replaceAll(jid, 'NAME').replace(/\d\d:\d\d/g, 'TIME').replace(/^[A-Z]$/m, 'INITIAL');
}

async function a_private_agent_is_exactly_as_absent() {
  const secret = await refusal(SECRET);
  const absent = await refusal(NOBODY);
  check(secret === absent, `${secret}\n-- and\n${absent}`);
}

async function nothing_is_asked_of_elsewhere() {
  check(elsewhere.size === 0, [...elsewhere].join(' '));
}

const tests = [
  a_person_logs_in_over_websocket,
  a_subscription_is_accepted_and_shows_the_agent_online,
  the_agents_picture_is_the_one_that_its_presence_announces,
  a_question_shows_typing_and_is_answered,
  a_waiting_message_can_be_corrected,
  a_waiting_message_can_be_retracted,
  a_command_that_there_is_not_is_refused_politely,
  commands_are_listed_as_text,
  commands_are_listed_and_run_as_forms,
  a_command_of_several_steps_is_walked_through,
  a_paused_agent_is_away_and_says_why_it_does_not_answer,
  a_private_agent_is_exactly_as_absent,
  nothing_is_asked_of_elsewhere,
];

let failed = 0;
console.log(`1..${tests.length}`);
for (const [index, test] of tests.entries()) {
  try {
    await test();
    console.log(`ok ${index + 1} - ${test.name}`);
  } catch (error) {
    failed += 1;
    say(error.message.split('\n').slice(0, 4).join('\n'));
    console.log(`not ok ${index + 1} - ${test.name}`);
  }
}
await browser.close();
process.exit(failed ? 1 : 0);
