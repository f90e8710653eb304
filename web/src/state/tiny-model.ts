/** The model every mesh starts with, and what it can be asked. It knows LLMesh and nothing else. */
export const TINY_MODEL = 'llmesh-tiny';

export const TINY_QUESTIONS: readonly string[] = ['What is LLMesh?', 'Who can read my prompt?', 'How do I donate?'];

/** For models that know more. */
export const OTHER_QUESTIONS: readonly string[] = [
  'Explain how a heat pump works',
  'A bedtime story about a night tram',
  'Why does my SQL join return twins?',
];
