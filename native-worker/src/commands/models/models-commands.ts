/** `llmesh models`, and what it does with one of them: `pull`, `rm` and `manifest`. */
import type { Command } from 'commander';
import { endProcess } from '../../cli/guard-link.ts';
import { reporting } from '../../cli/reporting.ts';
import { meshOption, modelsMaxOption, place } from '../flags.ts';

export function addModelsCommands(command: (name: string, description: string) => Command): void {
  const models = command('models', 'List the models of the catalogue and on this disk, and which fit this computer.')
    .enablePositionalOptions()
    .option('--data <folder>', 'where downloaded models are (default: $LLMESH_DATA or ~/.llmesh)')
    .option('--json', 'as one JSON object')
    .addHelpText(
      'after',
      `
Environment:
  LLMESH_DATA     as --data
  MODEL_ENDPOINT  a mirror of Hugging Face for hf: models
  HF_TOKEN        of your account there, for models with a licence to accept

Examples:
  llmesh models pull qwen3-8b-q4
  llmesh models pull hf:Qwen/Qwen3-4B-GGUF:Q4_K_M
  llmesh models pull mesh:<content id>
  llmesh models rm qwen3-8b-q4`,
    )
    .action(async ({ data, json }: { data?: string; json?: boolean }) => {
      const { listModels } = await import('./models-command.ts');
      await reporting(json === true, (output) => listModels(data, output));
    });

  const subcommand = (name: string, description: string) =>
    models
      .command(name)
      .description(description)
      .argument('<model>', 'an id of "llmesh models", hf:user/model[:quant], hf:user/model/file.gguf, or a URL')
      .option('--data <folder>', 'where downloaded models are (default: $LLMESH_DATA or ~/.llmesh)')
      .option('--json', 'one JSON object a line');

  subcommand('pull', 'Download a model, or finish an interrupted download.')
    .addOption(meshOption())
    .addOption(modelsMaxOption())
    .action(async (model: string, options: { mesh: URL; data?: string; modelsMax?: number; json?: boolean }) => {
      const { pull } = await import('./models-command.ts');
      await reporting(options.json === true, (output) => pull(model, options, output));
      // What WebRTC keeps running would hold the process.
      await endProcess(Number(process.exitCode ?? 0));
    });

  subcommand('rm', 'Remove a downloaded model, or an unfinished download.').action(
    async (model: string, { data, json }: { data?: string; json?: boolean }) => {
      const { removeModel } = await import('./models-command.ts');
      await reporting(json === true, (output) => removeModel(model, data, output));
    },
  );

  models
    .command('manifest')
    .description('Say what a model consists of, to the byte, and its content id: for a catalogue or a mirror.')
    .argument('<file or folder>', 'a GGUF file, an adapter, or the folder of a model for web-llm', place)
    .option(
      '--out <folder>',
      'write the manifest there, the hashes of all pieces and where chunks end, as mirrors serve them',
    )
    .option('--json', 'as one JSON object')
    .action(async (model: string, { out, json }: { out?: string; json?: boolean }) => {
      const { showManifest } = await import('./manifest-command.ts');
      await reporting(json === true, (output) => showManifest(model, out, output));
    });
}
