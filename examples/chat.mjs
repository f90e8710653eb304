// Asks one question and prints the answer while it is written.
import { connect } from '@llmesh/core/client';

const question = process.argv[2] ?? 'What is LLMesh?';
const mesh = await connect(process.env.MESH ?? 'http://localhost:7070');
try {
  const answer = mesh.chat({ messages: [{ role: 'user', content: question }], temperature: 0 });
  for await (const text of answer) process.stdout.write(text);
  process.stdout.write(`\n\nby ${answer.summary?.provider}, ${answer.summary?.completionTokens} tokens\n`);
} finally {
  await mesh.close();
}
