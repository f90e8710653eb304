/** The browsers that Debian ships, as a volunteer and as a user. */
import { chromium, firefox, type Browser, type Page } from '@playwright/test';

const CHROMIUM = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium';
const FIREFOX = process.env['FIREFOX_PATH'] ?? '/usr/bin/firefox-esr';

export const OF_CHROMIUM = {
  executablePath: CHROMIUM,
  args: [
    '--no-sandbox',
    '--disable-features=WebRtcHideLocalIpsWithMdns',
    '--enable-unsafe-webgpu',
    '--use-webgpu-adapter=swiftshader',
  ],
};

const OF_FIREFOX = {
  executablePath: FIREFOX,
  channel: 'moz-firefox',
  firefoxUserPrefs: {
    // Two browsers on one machine without a network connect over its own addresses.
    'media.peerconnection.ice.obfuscate_host_addresses': false,
    'media.peerconnection.ice.loopback': true,
  },
};

export type BrowserName = 'chromium' | 'firefox';

/** `npm test` takes the main ways: what repeats them at other sizes, with other words or in another browser, waits for `WIDE=1`. */
export const isWide = process.env['WIDE'] === '1';

/** The tag of a test that says in one browser what it says in another: `npm test` runs the first of them. */
export const wide = (name: BrowserName) => (name === 'chromium' ? [] : ['@wide']);

export function launch(name: BrowserName): Promise<Browser> {
  return name === 'firefox' ? firefox.launch(OF_FIREFOX) : chromium.launch(OF_CHROMIUM);
}

/**
 * One of each for all tests of a worker, launched when the first of them wants it. Their models run on the processor: shaders
 * on an emulated graphics card take minutes, and are tested by themselves.
 */
export class Browsers {
  readonly #launched = new Map<BrowserName, Promise<Browser>>();

  get(name: BrowserName): Promise<Browser> {
    const browser = this.#launched.get(name) ?? (name === 'chromium' ? launchWithoutWebGpu() : launch(name));
    this.#launched.set(name, browser);
    return browser;
  }

  async close(): Promise<void> {
    for (const browser of this.#launched.values()) await (await browser).close();
  }
}

/** A browser without WebAssembly, as with enhanced security or in Lockdown Mode. */
export function launchWithoutWasm(name: BrowserName): Promise<Browser> {
  const prefs = { ...OF_FIREFOX.firefoxUserPrefs, 'javascript.options.wasm': false };
  if (name === 'firefox') return firefox.launch({ ...OF_FIREFOX, firefoxUserPrefs: prefs });
  return chromium.launch({ ...OF_CHROMIUM, args: [...OF_CHROMIUM.args, '--js-flags=--jitless'] });
}

const WITHOUT_WEBGPU = { ...OF_CHROMIUM, args: OF_CHROMIUM.args.filter((arg) => !arg.includes('webgpu')) };

/** A Chromium whose models run on the processor. */
export function launchWithoutWebGpu(): Promise<Browser> {
  return chromium.launch(WITHOUT_WEBGPU);
}

/** A browser for which this name leads to this computer, whatever a DNS server says. */
export function launchWhereLeadsHere(name: string, browser: BrowserName = 'chromium'): Promise<Browser> {
  // Firefox sends every name there.
  const prefs = { ...OF_FIREFOX.firefoxUserPrefs, 'network.dns.forceResolve': '127.0.0.1' };
  if (browser === 'firefox') return firefox.launch({ ...OF_FIREFOX, firefoxUserPrefs: prefs });
  const args = [...OF_CHROMIUM.args, `--host-resolver-rules=MAP ${name} 127.0.0.1`];
  return chromium.launch({ ...OF_CHROMIUM, args });
}

export interface Computer {
  browser: Browser;
  /** As when it is switched off. */
  kill: () => Promise<void>;
  /** As when its lid is closed for as long. */
  sleep: (ms: number) => Promise<void>;
}

/** A Chromium whose processes can be killed, or stopped for a while. Its models run on the processor. */
export async function launchToKill(): Promise<Computer> {
  const server = await chromium.launchServer(WITHOUT_WEBGPU);
  const { pid } = server.process();
  if (pid === undefined) throw new Error('The browser does not run.');
  return {
    browser: await chromium.connect(server.wsEndpoint()),
    kill: () => server.kill(),
    async sleep(ms) {
      // The whole group: each tab is a process of its own.
      process.kill(-pid, 'SIGSTOP');
      await new Promise((resolve) => setTimeout(resolve, ms));
      process.kill(-pid, 'SIGCONT');
    },
  };
}

/** A page whose errors fail the test that looks at `errors`. */
export async function openPage(browser: Browser, url: string): Promise<{ page: Page; errors: string[] }> {
  // Without a graphics card, motion on a page takes processor time from the models that answer here.
  const context = await browser.newContext({ serviceWorkers: 'block', reducedMotion: 'reduce' });
  const page = await context.newPage();
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text());
  });
  await page.goto(url);
  return { page, errors };
}
