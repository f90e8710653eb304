/** How the next token is chosen where neither a request nor a model's file says it. */

/** Models this small know answers by heart: anything but the likeliest token is a mistake. */
const BY_HEART_PARAMETERS = 10_000_000;

export interface RecommendedSampling {
  temperature: number;
  topP: number;
  topK: number;
}

/** `parameters`: how many the model has. */
export function recommendedSampling(parameters: number): RecommendedSampling {
  return { temperature: parameters < BY_HEART_PARAMETERS ? 0 : 0.7, topP: 0.95, topK: 40 };
}
