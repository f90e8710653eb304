/** How far this computer is from too hot. Only sensors that say what is too hot for them count. */
import type { MachineFiles } from './machine-files.ts';

const ZONES = 'sys/class/thermal';
const CHIPS = 'sys/class/hwmon';
/** A sensor that is not connected says −273 °C or 255 °C and the like. */
const POSSIBLE_MILLI_CELSIUS = { from: 0, to: 200_000 };

/**
 * Linux: degrees below the critical temperature of the hottest zone or sensor (Documentation/driver-api/thermal/
 * sysfs-api.rst, Documentation/hwmon/sysfs-interface.rst). Null without one.
 */
export async function linuxHeadroomCelsius(files: MachineFiles): Promise<number | null> {
  const [zones, sensors] = await Promise.all([zoneHeadrooms(files), sensorHeadrooms(files)]);
  const all = [...zones, ...sensors];
  return all.length === 0 ? null : Math.min(...all) / 1000;
}

/** macOS: reads what `pmset -g therm` prints. */
export function macThrottled(text: string | null): boolean | null {
  if (text === null) return null;
  const limit = /CPU_Speed_Limit\s*=\s*(\d+)/.exec(text)?.[1];
  if (limit !== undefined) return Number(limit) < 100;
  return text.includes('No thermal warning level') ? false : null;
}

async function zoneHeadrooms(files: MachineFiles): Promise<number[]> {
  const zones = (await files.names(ZONES)).filter((name) => name.startsWith('thermal_zone'));
  const found = await Promise.all(
    zones.map(async (zone) => {
      const folder = `${ZONES}/${zone}`;
      const trips = (await files.names(folder)).filter((name) => /^trip_point_\d+_type$/.test(name));
      const types = await Promise.all(trips.map((trip) => files.text(`${folder}/${trip}`)));
      const critical = trips[types.indexOf('critical')];
      if (critical === undefined) return null;
      return headroom(files, `${folder}/temp`, `${folder}/${critical.replace(/type$/, 'temp')}`);
    }),
  );
  return found.filter((value) => value !== null);
}

async function sensorHeadrooms(files: MachineFiles): Promise<number[]> {
  const found = await Promise.all(
    (await files.names(CHIPS)).map(async (chip) => {
      const folder = `${CHIPS}/${chip}`;
      const inputs = (await files.names(folder)).filter((name) => /^temp\d+_input$/.test(name));
      return Promise.all(
        inputs.map((input) => headroom(files, `${folder}/${input}`, `${folder}/${input.replace(/input$/, 'crit')}`)),
      );
    }),
  );
  return found.flat().filter((value) => value !== null);
}

async function headroom(files: MachineFiles, nowFile: string, criticalFile: string): Promise<number | null> {
  const [now, critical] = await Promise.all([files.number(nowFile), files.number(criticalFile)]);
  return isPossible(now) && isPossible(critical) ? critical - now : null;
}

function isPossible(milliCelsius: number | null): milliCelsius is number {
  const { from, to } = POSSIBLE_MILLI_CELSIUS;
  return milliCelsius !== null && milliCelsius > from && milliCelsius < to;
}
