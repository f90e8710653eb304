/** The JSON of each event of a stream whose events have names, and must have those of their types. */
export function namedEventsOf(text: string): Record<string, unknown>[] {
  return text
    .split('\n\n')
    .filter((event) => event.startsWith('event: '))
    .map((event) => {
      const [, name, data] = /^event: (.*)\ndata: (.*)$/.exec(event) ?? [];
      const read = JSON.parse(data ?? '') as Record<string, unknown>;
      if (read['type'] !== name) throw new Error(`The event ${name} says that it is ${String(read['type'])}.`);
      return read;
    });
}
