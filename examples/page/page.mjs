// Asks from a browser: the same lines as in Node, and nothing else to install.
import { connect } from '@llmesh/core/client';

const form = document.querySelector('form');
const button = document.querySelector('button');
const input = document.querySelector('input');
const output = document.querySelector('output');

try {
  const mesh = await connect(location.origin);
  output.textContent = `Connected. On loan: ${mesh.models.map(({ name }) => name).join(', ') || 'nothing yet'}.`;
  button.disabled = false;
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const content = input.value;
    button.disabled = true;
    output.textContent = '';
    try {
      const answer = mesh.chat({ messages: [{ role: 'user', content }], temperature: 0 });
      for await (const text of answer) output.textContent += text;
    } catch (error) {
      output.textContent += `\n${error.message}`;
    } finally {
      button.disabled = false;
    }
  });
} catch (error) {
  output.textContent = error.message;
}
