/** Finds what people read in the sources of the page, and puts the words of the chosen language in its place. */
import { adapter as svelteAdapter } from '@wuchale/svelte';
import { createHeuristic, defaultHeuristicOpts, pofile } from 'wuchale';
import { Transformer, parseScript } from 'wuchale/adapter-vanilla';

/** English first: it is what the sources say. */
export const LANGUAGES = ['en', 'de', 'es', 'fr', 'zh', 'ja', 'ar'];
/** Below it lie the translations in `po/`, and what is made of them. */
export const LANGUAGE_DIR = 'web/src/language';

/** Words in code that are no words of a language: names of keys, of errors, of formats and of products. */
const NAMES =
  /^(?:\w*(?:Error|Exception)|Notification|(?:Arrow|Page)(?:Up|Down|Left|Right)|Alt|Control|Meta|Escape|Esc|Tab|Enter|Home|End|Backspace|Delete|(?:Ctrl|Shift)\+\S+|Content-\w+|Ed25519|SwiftShader|ByteLevel|ChatGPT|Open WebUI|LLMesh|Formula|[A-Z][a-z]+ [A-Z][a-z]+ GPU)$/u;
/** What draws a line in a picture starts with a capital letter, too. */
const DRAWING = /^[Mm][\d.\s,#-]/u;

/** In code, a sentence that goes on from another begins small: two words tell it from an identifier. */
const GOES_ON = /^[\p{Ll}\d#“‘(·,;:.…–-][^\n]* /u;
const NUMBERED = /^(?:#|\d+) \p{L}{3,}|^\p{L}{3,} (?:#|\d+)/u;
const isPhrase = (text) => NUMBERED.test(text) || (GOES_ON.test(text) && (text.match(/\p{L}{2,}/gu) ?? []).length > 1);
/** Names of classes, selectors, media queries and lists of names for machines are no sentences, however they begin. */
const FOR_MACHINES =
  /__|\w--\w|[[\]<>{}=]|^[.#]\p{L}|^\((?:any-)?(?:pointer|prefers|min|max|hover)|^(?:noopener|article|textarea|math|display|mprescripts|accent|auto|px|application|audio|video|text)[ ,]/u;
const ATTRIBUTES_FOR_MACHINES = new Set([
  'class',
  'style',
  'rel',
  'role',
  'type',
  'd',
  'points',
  'transform',
  'href',
  'src',
  'id',
  'name',
  'for',
]);

/** What the console says is for developers; what a text is searched for, or named by, is no text to be read. */
const CALLS_FOR_MACHINES =
  /^warn$|(?:^|\.)(?:startsWith|endsWith|includes|indexOf|split|has|get|set|querySelector|querySelectorAll|closest|matches|addEventListener|getItem|setItem)$/u;

const looksLikeText = createHeuristic({
  ...defaultHeuristicOpts,
  ignoreElements: [...defaultHeuristicOpts.ignoreElements, 'kbd', 'svg'],
});

/** In core, most texts are for machines. */
const WHOLE_SENTENCE = /^[\p{Lu}“#].* .*[.?!…]$/su;

function isSentence(message) {
  const text = message.msgStr.join('\n');
  const { scope, attribute, call, file } = message.details;
  if (scope !== 'markup') {
    if (NAMES.test(text) || DRAWING.test(text)) return false;
    if (attribute !== undefined && ATTRIBUTES_FOR_MACHINES.has(attribute)) return false;
  }
  if (scope === 'script') {
    if (call !== undefined && CALLS_FOR_MACHINES.test(call)) return false;
    if (file.startsWith('core/') && !file.endsWith('/catalogue.ts'))
      return WHOLE_SENTENCE.test(text) ? 'message' : false;
    if (isPhrase(text) && !FOR_MACHINES.test(text)) return 'message';
  }
  return looksLikeText(message) === 'message' ? 'message' : false;
}

const STRING = /'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`/u.source;
const BROKEN_LINE = new RegExp(`(${STRING})\\s*\\+\\s*\\n\\s*(${STRING})`, 'u');

/** A sentence that the code breaks into lines, `'…' + '…'`, is one sentence. */
function whole(code) {
  let joined = code;
  for (let found = BROKEN_LINE.exec(joined); found !== null; found = BROKEN_LINE.exec(joined)) {
    const [all, first, second] = found;
    const inside = (one) =>
      one.startsWith('`') ? one.slice(1, -1) : one.slice(1, -1).replace(/\\'/g, "'").replace(/[`$]/g, '\\$&');
    joined = `${joined.slice(0, found.index)}\`${inside(first)}${inside(second)}\`${joined.slice(found.index + all.length)}`;
  }
  return joined;
}

/** The language of a page is chosen before it starts, so that its words never have to be told of a change. */
const runtime = {
  initReactive: ({ funcName }) => (funcName == null ? false : null),
  useReactive: false,
};

/** Also reads what the library passes over in code: what is thrown, and what fields begin with. */
class CodeReader extends Transformer {
  visitThrowStatement = (node) => this.visit(node.argument);
  visitPropertyDefinition = (node) => (node.value ? this.visit(node.value) : []);
  visitTSNonNullExpression = (node) => this.visit(node.expression);
  visitClassDeclaration = (node) => {
    const outer = this.heuristciDetails.declaring;
    this.heuristciDetails.declaring = 'class';
    const found = node.body.body.flatMap((member) => {
      const name = `${node.id?.name ?? ''}.${this.content.slice(member.key?.start, member.key?.end)}`;
      if (member.type === 'PropertyDefinition') return this.visit(member);
      if (member.type === 'MethodDefinition' && member.value.type === 'FunctionExpression')
        return this.visitFunctionBody(member.value.body, name);
      return [];
    });
    this.heuristciDetails.declaring = outer;
    return found;
  };
  visitClassExpression = this.visitClassDeclaration;

  transform = () => {
    const [tree, comments] = parseScript(this.content);
    this.comments = comments;
    const found = this.visit(tree);
    const start = this.getRealBodyStart(tree.body) ?? 0;
    this.mstr.appendRight(start, this.initRuntime());
    return this.finalize(found, start);
  };
}

/** What core says to the person who asks, and about models and files of their own. */
const OF_CORE = [
  'core/src/{ask,transport,peers,control,gguf}/**/*.ts',
  'core/src/models/swarm/**/*.ts',
  'core/src/policy/catalogue.ts',
  'core/src/wire/{frame,turns}.ts',
  'core/src/identity/{passphrase-lock,key-export}.ts',
];

const svelte = svelteAdapter({
  files: {
    include: ['web/src/**/*.svelte', 'web/src/**/*.ts', ...OF_CORE],
    // What workers of the page say stays English, since they start before a language could be fetched; and what is said to others.
    ignore: ['**/*.test.ts', '**/*.d.ts', '**/testing/**', 'web/src/{testing,suites,sw,engines,language}/**'],
  },
  storage: pofile({ dir: `${LANGUAGE_DIR}/po` }),
  heuristic: isSentence,
  runtime,
  loader: 'custom',
  granularLoad: true,
});

/** `plural(n, ['# answer', '# answers'])`, of language/plural.ts. */
const PATTERNS = [{ name: 'plural', args: ['other', 'message'] }];

/** For `Hub.create`. Nothing is ever sent to a translator over the network: `ai` is left out. */
export const config = {
  locales: LANGUAGES,
  fallback: {},
  localesDir: LANGUAGE_DIR,
  hmr: false,
  logLevel: 'error',
  adapters: {
    words: {
      ...svelte,
      transform: (read) => {
        const given = { ...read, content: whole(read.content) };
        if (given.filename.endsWith('.svelte')) return svelte.transform(given);
        const { content, filename, index, expr, matchUrl } = given;
        return new CodeReader(
          content,
          filename,
          index,
          isSentence,
          PATTERNS,
          expr,
          svelte.runtime,
          matchUrl,
        ).transform();
      },
    },
  },
};
