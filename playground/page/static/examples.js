/** What the welcome says of the model, and the prompts that it offers. */

/** One line about the built-in model and the number of things it knows. */
export const BUILT_IN = (things) =>
  `The built-in model draws here. It knows ${things.toLocaleString("en")} things by the names of their emoji, in seven colours, on white or in a simple place: in clouds, in a forest, on a neon-lit rooftop.`;

/** One line about a real checkpoint. */
export const REAL = (name) => `${name} draws here.`;

/** Prompts that the built-in model draws well; `remix` is what to make of the picture then. */
export const EXAMPLES = [
  { prompt: "a red apple", kind: "four pictures" },
  { prompt: "a purple cat", kind: "a colour" },
  { prompt: "a cyberpunk cat sitting on a neon-lit rooftop", kind: "a sentence" },
  { prompt: "a cactus in the desert", kind: "a place" },
  { prompt: "a sailboat on the sea at sunset --ar 16:9", kind: "wide" },
  { prompt: "a cat in a room", remix: "a cat in a forest", kind: "a remix" },
];

/** The note below pictures if the built-in model knows no word of the prompt. */
export const UNKNOWN_WORDS =
  "A note from this page: the built-in model knows none of these words, so it guessed. To draw anything you like, use a real checkpoint: put the line";
export const REAL_CHECKPOINT = "GENERATION__CHECKPOINT=stable-diffusion-v1-5/stable-diffusion-v1-5";
export const AND_THEN = "into a file named .env in the folder you start Darkroom from, and start it again. The first start fetches about 4 GB.";
