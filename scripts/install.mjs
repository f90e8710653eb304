/**
 * Runs before `npm start` and `npm test`, when nothing is installed yet, so it imports nothing but Node itself. Installs what
 * is missing, and is done in a blink when nothing is. `--browsers`: also what the tests need: a Chromium and a Firefox, and,
 * as root on Debian, the tools without which some tests are skipped.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const NODE_LEAST = [20, 19];
const BROWSERS = [
  { name: 'Chromium', variable: 'CHROMIUM_PATH', path: '/usr/bin/chromium', debian: 'chromium' },
  { name: 'Firefox', variable: 'FIREFOX_PATH', path: '/usr/bin/firefox-esr', debian: 'firefox-esr' },
];
/** For tests behind routers of their own: only root can run them. */
const NETWORK_TOOLS = [
  { name: 'coturn', path: '/usr/bin/turnserver', debian: 'coturn' },
  { name: 'nftables', path: '/usr/sbin/nft', debian: 'nftables' },
  { name: 'iproute2', path: '/usr/sbin/ip', debian: 'iproute2' },
];

requireNode();
if (!packagesInPlace()) installPackages();
if (process.argv.includes('--browsers')) provideBrowsers();

function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > NODE_LEAST[0] || (major === NODE_LEAST[0] && minor >= NODE_LEAST[1])) return;
  fail(`LLMesh needs Node ${NODE_LEAST.join('.')} or newer; this is ${process.versions.node}. See https://nodejs.org.`);
}

/** npm notes what it installed in a lock file of its own, written last: every package that we want has to be in it. */
function packagesInPlace() {
  const noted = join(ROOT, 'node_modules', '.package-lock.json');
  if (!existsSync(noted)) return false;
  const wanted = readPackages(join(ROOT, 'package-lock.json'));
  const present = readPackages(noted);
  if (present === null) return false;
  return Object.entries(wanted).every(([path, want]) => {
    const have = present[path];
    // It does not note the root itself, and packages for other machines.
    if (have === undefined) return path === '' || want.optional === true || 'os' in want || 'cpu' in want;
    return have.version === want.version && have.integrity === want.integrity && have.resolved === want.resolved;
  });
}

function readPackages(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch (error) {
    if (file.endsWith('.package-lock.json')) return null;
    return fail(`${file} cannot be read (${error.message}). Get it back with: git checkout package-lock.json`);
  }
}

function installPackages() {
  console.log('Installing packages (once; a minute or two, some 1.3 GB on disk)…');
  // Neither our programs nor the prebuilt binaries need install scripts.
  const npm = run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund']);
  if (npm !== 0) fail('npm ci failed; its message above says why. Is this computer online? Then try again.');
}

function provideBrowsers() {
  const missing = BROWSERS.filter(({ variable, path }) => !existsSync(process.env[variable] || path));
  const debian = existsSync('/etc/debian_version');
  const packages = missing.map((browser) => browser.debian);
  if (debian && process.getuid?.() === 0) {
    const tools = NETWORK_TOOLS.filter(({ path }) => !existsSync(path)).map((tool) => tool.debian);
    const failure = installForTests([...packages, ...tools]);
    if (failure !== null && missing.length > 0) fail(failure);
  } else if (missing.length > 0) {
    const names = missing.map(({ name }) => name).join(' and ');
    const variables = missing.map(({ variable }) => variable).join(' and ');
    const how = debian
      ? `Run: sudo apt-get install ${packages.join(' ')}`
      : `Install what is missing and say where it is with ${variables}`;
    fail(`The tests run in real browsers, and ${names} is missing. ${how}`);
  }
}

/** Returns what went wrong, or null. */
function installForTests(packages) {
  if (packages.length === 0) return null;
  const names = packages.join(', ');
  console.log(`Installing ${names} for the tests (once; a minute or two)…`);
  if (run('apt-get', ['update', '-q']) !== 0) return 'apt-get update failed; its message above says why.';
  const install = ['install', '-y', '-q', '--no-install-recommends', ...packages];
  return run('apt-get', install) === 0 ? null : `apt-get could not install ${names}; its message above says why.`;
}

function run(command, args) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const result = spawnSync(command, args, { cwd: ROOT, stdio: 'inherit', env, shell: process.platform === 'win32' });
  return result.status ?? 1;
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
