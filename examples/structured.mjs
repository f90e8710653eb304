// Has a model fill in a form: whatever it knows, what it writes parses.
import { connect } from '@llmesh/core/client';

const city = process.argv[2] ?? 'Vienna';
const schema = {
  type: 'object',
  properties: {
    river: { type: 'string', maxLength: 24 },
    climate: { enum: ['cold', 'mild', 'hot'] },
    capital: { type: 'boolean' },
  },
  required: ['river', 'climate', 'capital'],
};
const mesh = await connect(process.env.MESH ?? 'http://localhost:7070');
try {
  const content = `Fill in the facts of ${city} as JSON.`;
  const answer = mesh.chat({ messages: [{ role: 'user', content }], schema, temperature: 0, maxTokens: 200 });
  console.log(JSON.parse(await answer.text()));
} finally {
  await mesh.close();
}
