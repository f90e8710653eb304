/** Whether this computer runs on its battery. */
import type { MachineFiles } from './machine-files.ts';

const FOLDER = 'sys/class/power_supply';

/** Linux: Documentation/ABI/testing/sysfs-class-power. Null on a computer that knows no supply. */
export async function linuxOnBattery(files: MachineFiles): Promise<boolean | null> {
  const supplies = await Promise.all((await files.names(FOLDER)).map((name) => readSupply(files, `${FOLDER}/${name}`)));
  // Keyboards and mice have batteries, too.
  const ours = supplies.filter(({ scope }) => scope !== 'Device');
  if (ours.some(({ type, online }) => type !== 'Battery' && online === 1)) return false;
  const batteries = ours.filter(({ type, status }) => type === 'Battery' && status !== null && status !== 'Unknown');
  if (batteries.length > 0) return batteries.some(({ status }) => status === 'Discharging');
  return null;
}

/** macOS: reads what `pmset -g batt` prints. */
export function macOnBattery(text: string | null): boolean | null {
  const source = /drawing from '([^']+)'/.exec(text ?? '')?.[1];
  return source === undefined ? null : source === 'Battery Power';
}

async function readSupply(files: MachineFiles, folder: string) {
  const [type, scope, status, online] = await Promise.all([
    files.text(`${folder}/type`),
    files.text(`${folder}/scope`),
    files.text(`${folder}/status`),
    files.number(`${folder}/online`),
  ]);
  return { type, scope, status, online };
}
