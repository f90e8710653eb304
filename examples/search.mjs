// Finds the notes that are closest in meaning to a question. Somebody on the mesh has to lend an embedding model.
import { connect } from '@llmesh/core/client';

const notes = [
  'The frog sits at the edge of the pond.',
  'Our train to the coast leaves at nine.',
  'Bread needs flour, water, salt and time.',
  'A newt hides under the wet leaves.',
];
const question = process.argv[2] ?? 'Which animals live near the water?';
const mesh = await connect(process.env.MESH ?? 'http://localhost:7070');
try {
  const [asked, ...vectors] = await mesh.embed({ inputs: [question, ...notes] });
  // The vectors have length one, so the sum of the products is the cosine of the angle between them.
  const likeness = (vector) => vector.reduce((sum, number, i) => sum + number * asked[i], 0);
  const found = notes.map((note, i) => ({ note, score: likeness(vectors[i]) }));
  for (const { note, score } of found.sort((a, b) => b.score - a.score)) console.log(score.toFixed(3), note);
} finally {
  await mesh.close();
}
