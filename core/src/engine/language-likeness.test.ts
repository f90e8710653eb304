import { describe, expect, it } from 'vitest';
import { isLanguageLike } from './language-likeness.ts';

describe('a text that could be words', () => {
  it.each([
    'Three animals that live in a pond are frogs, fish, and ducks.',
    '1. **Frogs** – they live at the edge of the water.\n2. **Newts**\n3. **Pond snails** that eat algae',
    "<think>\nOkay, the user wants three animals that live in a pond. Let me think about what's common",
    'LLMesh is a network of browsers. Volunteers lend their computers, and you chat with the models that run there.',
    'Drei Tiere, die in einem Teich leben, sind Frösche, Enten und Karpfen.',
    'Trois animaux qui vivent dans un étang sont la grenouille, le canard et la carpe.',
    'Tres animales que viven en un estanque son la rana, el pato y la carpa.',
    'Три животных, которые живут в пруду, — это лягушка, утка и карп.',
    '池の中に住む動物は、カエルとメダカとゲンゴロウです。',
    '生活在池塘里的三种动物是青蛙、鸭子和鲤鱼。',
    'ثلاثة حيوانات تعيش في البركة هي الضفدع و البطة و السمكة',
  ])('is %s', (text) => {
    expect(isLanguageLike(text)).toBe(true);
  });
});

describe('nonsense', () => {
  it.each([
    ['nothing', ''],
    ['one sign again and again', '!!!!!!!!!!!!!!!!!!!!!!!!'],
    ['one word again and again', 'the the the the the the the the the the the the'],
    ['two words again and again', 'of the of the of the of the of the of the of the'],
    ['pieces of words', ' Brow ultiption ingredi vasth Conditions eltaicast ogenesis Sharper quir noxious etahl'],
    ['pieces of words of one language', 'wandish corple stimmer tranoid belfect rangity osmulate dreckling fovea'],
    ['pieces of code', '});\n\t\t$_[{}]>>=:: </div> (*p)->x_0 |= ~0x7f; //#@!'],
    ['words and signs', 'Über\u200bпри}; 東 the_ ∑∑ Kö[[ فيه ßß ## จึง of ελλ'],
    ['several scripts', 'the ложка 金魚 und الماء ของ και лес 水 frog'],
    ['characters that are no letters', '\ufffd\ufffd\ufffd ▁▁▁ ░░▒▒ ♠♠ \ufffd ☃☃ \ufffd\ufffd ◊◊'],
    ['digits', '17 4420 98 1 0 00 37 5 6 71 8 8 234 99 1023 4'],
    ['Han signs at random', '夔醐蝓鼯鬣巉齟彝黹麤龠鑾籲鬱麟鸞驫'],
  ])('is %s', (_, text) => {
    expect(isLanguageLike(text)).toBe(false);
  });

  it('is a random draw of tokens, whatever is drawn', () => {
    const vocabulary =
      ' Brow,ultipt, ingred,vast,{"}, 是,ß,tion,);\\n, лес,ing, ก็, Sharp,quir, ٱل,_id,//, \ufffd,0x,ae, Kö,∑,estre, 東京,' +
      'ighth, ва,ook,}}, frog,elta, α,ogen,->,##, noxi,illo,-->, crys,umbr,aph,\\u00,ngle, obse,yth';
    const tokens = vocabulary.split(',');
    let seed = 1;
    const random = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
    for (let i = 0; i < 200; i++) {
      const text = Array.from({ length: 40 }, () => tokens[Math.floor(random() * tokens.length)]).join('');
      expect(isLanguageLike(text), text).toBe(false);
    }
  });
});
