/** A picture of what this computer gave, to show to others: 1200 × 630, as pages that preview links have it. */
import { plural } from '../../../language/plural.ts';
import { locale } from '../../../language/languages.ts';
import { count } from '../../parts/format.ts';

export const CARD = { width: 1200, height: 630 };
/** The dark ground of the page in its light dress, whatever dress the page wears. */
const INK = { ground: '#12312e', text: '#f3efe2', soft: '#b3c2b4', lamp: '#fdbd3a', cord: '#3f6a65' };
const FACES = {
  display: "'Bricolage', sans-serif",
  text: "'Hyperlegible', sans-serif",
};
const LEFT = 90;

export interface CardFacts {
  answers: number;
  tokens: number;
  /** The first day on which something was given; null: today. */
  since: Date | null;
  /** Answers on each of the last seven days, today last. */
  week: readonly number[];
  /** Where to lend as well: "mesh.example". */
  host: string;
}

/** What the picture says, for whoever does not see it. */
export function cardWords({ answers, tokens, since, host }: CardFacts): string {
  return `${givenWords(answers, since)} ${tokensWords(tokens)} Lend yours: ${host}`;
}

function givenWords(answers: number, since: Date | null): string {
  if (since === null) return plural(answers, ['My computer gave # answer today.', 'My computer gave # answers today.']);
  const day = since.toLocaleDateString(locale, { day: 'numeric', month: 'long' });
  return plural(answers, [`My computer gave # answer since ${day}.`, `My computer gave # answers since ${day}.`]);
}

function tokensWords(tokens: number): string {
  return plural(tokens, ['# token for people I don’t know.', '# tokens for people I don’t know.']);
}

/** Resolves when the faces of the page are there and the picture is drawn. Rejects where the browser draws none. */
export async function drawCard(canvas: HTMLCanvasElement, facts: CardFacts): Promise<void> {
  const sizes = [`660 64px ${FACES.display}`, `400 34px ${FACES.text}`];
  await Promise.all(sizes.map((face) => document.fonts.load(face)));
  Object.assign(canvas, CARD);
  const context = canvas.getContext('2d');
  if (context === null) throw new Error('This browser draws no pictures.');
  context.fillStyle = INK.ground;
  context.fillRect(0, 0, CARD.width, CARD.height);
  drawMark(context);
  drawWords(context, facts);
  drawWeek(context, facts.week);
}

function drawWords(context: CanvasRenderingContext2D, { answers, tokens, since, host }: CardFacts): void {
  const write = (text: string, y: number, face: string, colour: string) => {
    context.font = face;
    context.fillStyle = colour;
    context.fillText(text, LEFT, y, CARD.width - 2 * LEFT);
  };
  write('LLMesh', 130, `660 44px ${FACES.display}`, INK.text);
  write(count(answers), 330, `660 190px ${FACES.display}`, INK.lamp);
  write(givenWords(answers, since), 410, `660 52px ${FACES.display}`, INK.text);
  write(tokensWords(tokens), 468, `400 34px ${FACES.text}`, INK.soft);
  write(`Lend yours: ${host}`, 560, `400 34px ${FACES.text}`, INK.text);
}

/** The knot of `parts/Mark.svelte`, in its own units of 44 × 32. */
function drawMark(context: CanvasRenderingContext2D): void {
  const strokes = [
    ['M41 26H22a7 7 0 0 1 0-14h14', INK.lamp, 4.6, 'round'],
    ['M22 6a7 7 0 0 1 0 14', INK.ground, 8.6, 'butt'],
    ['M3 6h19a7 7 0 0 1 0 14H8', INK.text, 4.6, 'round'],
    ['M17.5 24.3A7 7 0 0 1 17.5 13.7', INK.ground, 8.6, 'butt'],
    ['M22 26a7 7 0 0 1 0-14', INK.lamp, 4.6, 'butt'],
  ] as const;
  context.save();
  context.translate(CARD.width - LEFT - 44 * 2.2, 76);
  context.scale(2.2, 2.2);
  for (const [path, colour, width, cap] of strokes) {
    Object.assign(context, { strokeStyle: colour, lineWidth: width, lineCap: cap });
    context.stroke(new Path2D(path));
  }
  context.restore();
}

const BEADS = 6;

/** A cord of beads a day, as on the page; the fullest day has six. */
function drawWeek(context: CanvasRenderingContext2D, week: readonly number[]): void {
  const most = Math.max(1, ...week);
  for (const [i, answers] of week.entries()) {
    const x = CARD.width - LEFT - (week.length - 1 - i) * 58 - 22;
    context.fillStyle = INK.cord;
    context.fillRect(x - 2, 170, 4, 190);
    context.fillStyle = i === week.length - 1 ? INK.lamp : INK.soft;
    for (let bead = 0; bead < Math.ceil((answers / most) * BEADS); bead++) {
      context.beginPath();
      context.arc(x, 346 - bead * 30, 14, 0, 2 * Math.PI);
      context.fill();
    }
  }
}
