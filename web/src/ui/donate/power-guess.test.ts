import type { Probe } from '@llmesh/core/policy/catalogue';
import { describe, expect, it } from 'vitest';
import { energyWords } from './power-guess.ts';

describe('the guess at its power', () => {
  const probe = { backend: 'webgpu', device: 'NVIDIA GeForce RTX 4070', software: false } as Probe;

  it('says that it is one, and is larger for a card with memory of its own', () => {
    expect(energyWords(probe, 0)).toMatch(/^A guess.*80 to 300 watts.*cannot measure/);
    expect(energyWords({ ...probe, device: 'Radeon 780M' }, 0)).toContain('10 to 40 watts');
    // An emulated card is the processor.
    expect(energyWords({ ...probe, software: true }, 0)).toContain('10 to 50 watts');
  });

  it('adds up the time of today', () => {
    expect(energyWords(probe, 30 * 60_000)).toContain('30 minutes today');
    expect(energyWords(probe, 30 * 60_000)).toContain('40 to 150 watt-hours');
    expect(energyWords(probe, 10 * 3_600_000)).toContain('0.8 to 3.0 kilowatt-hours');
    expect(energyWords(probe, 1_000)).toContain('less than 1 watt-hour');
  });
});
