// Prints the strings that tokenizers are compared on, one JSON string a line: prose in more than 20 scripts, code, numbers, emoji,
// control characters, long runs, special tokens inside text, and random mixtures. Always the same (seeded).
//
//	node corpus.mjs [COUNT]
const count = Number(process.argv[2] || 6000);
let state = 20240601n;
function random(n) { // splitmix64
  state = (state + 0x9e3779b97f4a7c15n) & 0xffffffffffffffffn;
  let z = state;
  z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & 0xffffffffffffffffn;
  z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & 0xffffffffffffffffn;
  return Number((z ^ (z >> 31n)) % BigInt(n));
}
const pick = (a) => a[random(a.length)];

const prose = [
  "All human beings are born free and equal in dignity and rights. They are endowed with reason and conscience, and it's what we'd hope they've.",
  "Tous les êtres humains naissent libres et égaux en dignité et en droits. Ils sont doués de raison et de conscience.",
  "Alle Menschen sind frei und gleich an Würde und Rechten geboren; Größe, Maß und STRASSE.",
  "Todos los seres humanos nacen libres e iguales en dignidad; ¿y tú, qué dices? ¡Ñandú!",
  "Wszyscy ludzie rodzą się wolni i równi pod względem swej godności i swych praw. Zażółć gęślą jaźń.",
  "Bütün insanlar hür, haysiyet ve haklar bakımından eşit doğarlar. İstanbul, ılık, IĞDIR.",
  "Tất cả mọi người sinh ra đều được tự do và bình đẳng về nhân phẩm và quyền lợi.",
  "Все люди рождаются свободными и равными в своём достоинстве и правах. Они наделены разумом и совестью.",
  "Усі люди народжуються вільними і рівними у своїй гідності та правах. Її, ґанок, єдність.",
  "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια και τα δικαιώματα. ΟΔΟΣ, Σίσυφος.",
  "כל בני האדם נולדו בני חורין ושווים בערכם ובזכויותיהם. שָׁלוֹם עֲלֵיכֶם",
  "يولد جميع الناس أحرارًا متساوين في الكرامة والحقوق. وقد وهبوا عقلاً وضميراً، ٣٤٥٦.",
  "تمام افراد بشر آزاد به دنیا می‌آیند و از لحاظ حیثیت و حقوق با هم برابرند. ۱۲۳",
  "सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता और समानता प्राप्त है। १२३४",
  "সমস্ত মানুষ স্বাধীনভাবে সমান মর্যাদা এবং অধিকার নিয়ে জন্মগ্রহণ করে। ১২৩",
  "ਸਾਰੇ ਇਨਸਾਨ ਆਜ਼ਾਦ ਅਤੇ ਇੱਕੋ ਜਿਹੇ ਸਤਿਕਾਰ ਤੇ ਹੱਕਾਂ ਨਾਲ ਜੰਮਦੇ ਹਨ।",
  "પ્રતિષ્ઠા અને અધિકારોની દૃષ્ટિએ સર્વ માનવો જન્મથી સ્વતંત્ર અને સમાન હોય છે.",
  "மனிதப் பிறிவியினர் சகலரும் சுதந்திரமாகவே பிறக்கின்றனர்; அவர்கள் மதிப்பிலும், உரிமைகளிலும் சமமானவர்கள்.",
  "ప్రతిపత్తిస్వత్వముల విషయమున మానవులెల్లరును జన్మతః స్వతంత్రులును సమానులును నగుదురు.",
  "ಎಲ್ಲಾ ಮಾನವರೂ ಸ್ವತಂತ್ರರಾಗಿಯೇ ಜನಿಸಿದ್ದಾರೆ. ಹಾಗೂ ಘನತೆ ಮತ್ತು ಹಕ್ಕುಗಳಲ್ಲಿ ಸಮಾನರಾಗಿದ್ದಾರೆ.",
  "മനുഷ്യരെല്ലാവരും തുല്യാവകാശങ്ങളോടും അന്തസ്സോടും സ്വാതന്ത്ര്യത്തോടുംകൂടി ജനിച്ചിട്ടുള്ളവരാണ്‌.",
  "සියලු මනුෂ්‍යයෝ නිදහස්ව උපත ලබා ඇත. ගරුත්වයෙන් හා අයිතිවාසිකම්වලින් සමාන වෙති.",
  "มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกันในเกียรติศักดิ์และสิทธิ ๑๒๓",
  "ມະນຸດທຸກຄົນເກີດມາມີສິດເສລີພາບ ແລະ ສະເໝີໜ້າກັນ.",
  "လူတိုင်းသည် တူညီ လွတ်လပ်သော ဂုဏ်သိက္ခာဖြင့် လည်းကောင်း၊ မွေးဖွားလာသူများ ဖြစ်သည်။",
  "មនុស្សទាំងអស់កើតមកមានសេរីភាពនិងភាពស្មើៗគ្នាក្នុងសិទ្ធិនិងសេចក្ដីថ្លៃថ្នូរ។",
  "འགྲོ་བ་མིའི་རིགས་རྒྱུད་ཡོངས་ལ་སྐྱེས་ཙམ་ཉིད་ནས་ཆེ་མཐོངས་དང༌།",
  "ყველა ადამიანი იბადება თავისუფალი და თანასწორი თავისი ღირსებითა და უფლებებით.",
  "Բոլոր մարդիկ ծնվում են ազատ ու հավասար իրենց արժանապատվությամբ ու իրավունքներով։",
  "ሁሉም የሰው ልጆች ነጻ ሆነው የተወለዱ ናቸው፤ በክብርና በመብትም እኩል ናቸው።",
  "人人生而自由，在尊严和权利上一律平等。他们赋有理性和良心，并应以兄弟关系的精神相对待。",
  "人人生而自由,在尊嚴和權利上一律平等。他們賦有理性和良心。",
  "すべての人間は、生まれながらにして自由であり、かつ、尊厳と権利とについて平等である。カタカナ、ｶﾀｶﾅ。",
  "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다. 한글 낱말.",
  "ᏂᎦᏓ ᎠᏂᏴᏫ ᏂᎨᎫᏓᎸᎾ ᎠᎴ ᎤᏂᏠᏱ ᎤᎾᏕᎿ ᏚᏳᎧᏛ ᎨᏒᎢ.",
  "ᓄᓇᖅ ᑕᒪᕐᒥᒃ ᐃᓅᔪᑦ ᐊᓂᖅᑎᕆᔪᓕᒫᑦ",
  "𐌰𐌻𐌻𐌰𐌹 𐌼𐌰𐌽𐌽𐌰 𝒜𝓁𝓁 𝟙𝟚𝟛 𠜎𠜱𠝹 𐐀𐐨",
];
const code = [
  "int main(int argc, char **argv)\n{\n\tprintf(\"%d\\n\", argc);\n\treturn 0;\n}\n",
  "def f(x):\n    if x > 0:\n        return x ** 2  # square\n    raise ValueError(f\"bad {x!r}\")\n",
  "SELECT a.id, COUNT(*) FROM a LEFT JOIN b ON a.id = b.a_id WHERE b.x IS NOT NULL GROUP BY 1;",
  "{\"intent\": \"GetWeather\", \"city\": \"São Paulo\", \"n\": [1, 2.5, -3e10], \"ok\": true}",
  "<div class=\"a b\"><p>Hi&nbsp;there</p></div>\r\n<!-- x -->",
  "fn main() { let v: Vec<u8> = vec![0; 10]; println!(\"{:?}\", &v[..3]); }",
  "for i in $(seq 1 10); do echo \"$i\" >> out.txt; done && rm -rf ./build || exit 1",
  "\\begin{equation}\\int_0^\\infty e^{-x^2}\\,dx = \\frac{\\sqrt{\\pi}}{2}\\end{equation}",
  "const f = async (x) => { await g?.(x ?? 0); return `${x}`; };",
];
const odd = [
  "'s 't 're 've 'm 'll 'd 'S 'T 'RE 'VE 'M 'LL 'D it's IT'S can't WON'T y'all'd've",
  "2024-01-31T23:59:59.999+02:00 €1,234,567.89 1/2 ½ Ⅷ ² ³ ① 0xDEADBEEF 1e-9 +44 (0)20 7946 0018",
  "👨‍👩‍👧‍👦 👍🏽 🇩🇪🇫🇷 ❤️‍🔥 🏴󠁧󠁢󠁳󠁣󠁴󠁿 🧑🏿‍🚀 ☃️ ☺ 🀄 1️⃣",
  "zero\u200bwidth\u200cnon\u200djoiner\u2060word\u00ad soft hy\u2011phen",
  "e\u0301 vs é, a\u030a vs å, \u1112\u1161\u11ab vs 한, ﬁ ﬂ Å Ω K, q\u0323\u0307 q\u0307\u0323, \u0344 \u0958",
  "tab\tvtab\u000bff\u000ccr\rlf\ncrlf\r\nnel\u0085ls\u2028ps\u2029nbsp\u00a0nnbsp\u202fmmsp\u205fideo\u3000ogham\u1680thin\u2009",
  "\u0000\u0001\u0002\u0007\u0008\u001b[31mred\u001b[0m\u007f\u0080\u009f",
  "\ufffd\ufffe\uffff\u{10ffff}\u{e000}\ufdd0",
  "https://example.com/a/b?c=d&e=f%20g#h user.name+tag@mail.example.co.uk C:\\Users\\x\\y ../../etc/passwd",
  "ALL CAPS camelCase PascalCase snake_case SCREAMING_SNAKE kebab-case dot.case XMLHttpRequest iPhone15Pro",
  "....,,,,;;;;!!!!????----____====++++****////\\\\\\\\||||@@@@####$$$$%%%%^^^^&&&&((((()))))[[[]]]{{{}}}<<<>>>~~~```'''\"\"\"",
  " leading", "trailing ", "  two  spaces  ", "   ", "\n", "\n\n\n", " \n \n ", "\t\t\tx", "x\n\n\n\ny", "a  b   c    d     e", "\r\n\r\n",
  "ſ 'ſ İi ıI ß ẞ ǅ ŉ \u180e x\u180ey",
  "",
];
const special = ["<s>", "</s>", "<unk>", "<pad>", "<bos>", "<eos>", "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|begin_of_text|>", "<|eot_id|>",
  "<|start_header_id|>", "[INST]", "[/INST]", "<start_of_turn>", "<end_of_turn>", "<think>", "</think>", "<tool_call>", "<|fim_prefix|>", "<|im_end", "|im_end|>",
  "<unused5>", "[TOOL_CALLS]", "<0x0A>", "▁", "▁▁", "Ġ", "<mask>", "[multimodal]"];
const long = [];
for (const n of [50, 300, 1000])
  for (const c of ["a", " ", "\n", ".", "1", "é", "你", "\t", "-", "=", "ab", "A", "👍", "\u0301", "_", "\r\n", " a", "#"]) long.push(c.repeat(n));

const out = [];
const add = (s) => { if (out.length < count && !/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(s)) out.push(s); };
for (const list of [prose, code, odd, long, special]) list.forEach(add);
for (const s of special) for (const [a, b] of [["x", "y"], ["x ", " y"], [" ", " "], ["\n", "\n"], ["", "'s"], ["hello, ", "world\n"]]) add(a + s + b);
for (const c of [".", "!", "'", "\"", "(", "\n", " ", "1", "é", "你", "_", "-"]) for (const d of ["a", "A", "1", " ", "\n", ".", "é", "你", "'s", "\u0301"]) { add("x" + c + d); add(c + c + d); add(d + c); }
const words = [...new Set([...prose, ...code, ...odd].flatMap((s) => s.split(/(?<=\s)|(?=\s)/)).filter((w) => w.trim()))];
const gaps = [" ", " ", " ", "  ", "\n", "\n\n", "\t", "", ", ", ". ", "-", " \n", "\r\n", "…", "/", "'", "\u00a0"];
const ranges = [[0x20, 0x7e], [0, 0x1f], [0xa0, 0x24f], [0x300, 0x36f], [0x370, 0x5ff], [0x600, 0x6ff], [0x900, 0xdff], [0xe00, 0x109f], [0x1100, 0x11ff],
  [0x2000, 0x206f], [0x20a0, 0x27bf], [0x3000, 0x30ff], [0x4e00, 0x9fff], [0xac00, 0xd7a3], [0xf900, 0xfaff], [0xff00, 0xffef], [0x1f300, 0x1faff], [0x20000, 0x2a6d6]];
while (out.length < count) {
  const kind = random(10);
  let s = "";
  if (kind < 4) for (let n = 1 + random(12); n--; ) s += pick(words) + pick(gaps);
  else if (kind < 6) { const a = [...pick(prose)], i = random(a.length); s = a.slice(i, i + 1 + random(60)).join(""); }
  else if (kind < 7) { const a = pick(code), i = random(a.length); s = a.slice(i, i + 1 + random(80)); }
  else if (kind < 8) for (let n = 1 + random(5); n--; ) s += pick(words) + pick(["", " "]) + pick(special) + pick(["", " ", "\n"]);
  else if (kind < 9) { const [lo, hi] = pick(ranges); for (let n = 1 + random(20); n--; ) s += String.fromCodePoint(lo + random(hi - lo + 1)); }
  else for (let n = 1 + random(15); n--; ) { const [lo, hi] = pick(ranges); s += String.fromCodePoint(lo + random(hi - lo + 1)) + (random(4) ? "" : " "); }
  add(s);
}
for (const s of out) console.log(JSON.stringify(s));
