"""Which characters pass for a Latin letter.

Most pairs are facts of Unicode's confusables.txt (UTS #39, "Unicode Security Mechanisms"): those
with a letter that somebody may type to get a word past a filter. Where that file takes the capital
I for an l, it is an i here. The other pairs are what generators of fancy letters write, small
letters that have the shape of a Latin capital (в, н), and the usual digits and signs. What
compatibility decomposition (NFKD) turns into Latin by itself, as full-width and mathematical
letters, is not repeated.
"""

# Letters of other scripts, capitals as they are: Greek capital eta passes for H, small eta for n.
_OF_OTHER_SCRIPTS = """
a АаΑαᎪꓮᗅᗩ
b ВвΒβЬьᏴᏏꓐᗷ
c СсⲤⲥᏟꓚᑕ
d ԀԁᎠᏧꓓᗞᗪᑯ
e ЕеΕεЄєҼҽᎬꓰᗴ
f ϜϝꓝՖքᖴ
g ԌԍցᏀᏳꓖ
h НнΗҺһհᎻᏂꓧᕼ
i ІіΙιᎥꓲ
j ЈјͿϳᎫꓙᒍ
k КкΚκⲔⲕᏦꓗ
l ӀӏⳐᏞꓡᒪ
m МмΜⲘᎷꓟᗰ
n ΝηПпոռⲚꓠᑎ
o ОоΟοσՕօⲞⲟꓳ
p РрΡρⲢⲣᏢꓑᑭ
q ԚԛգզႳᑫ
r ГгᎡᏒꓣⲅᖇ
s ЅѕՏᏕᏚꓢᔕ
t ТтΤτⲦᎢꓔ
u υՍսꓴᑌ
v νѴѵᏙꓦᐯ
w ԜԝωѠѡաᎳᏔꓪᗯ
x ХхΧχⲬⲭꓫ
y УуҮүΥγყⲨᎩꓬ
z ΖⲌᏃꓜᘔ
"""

# Latin letters, small, with a stroke, a hook or a tail that no decomposition takes off, small
# capitals, and letters turned upside down.
_OF_LATIN = """
a ᴀɑɐⱥ
b ʙƀɓᴃ
c ᴄȼƈɕ
d ᴅđɗɖð
e ᴇɇəɛǝ
f ꜰƒ
g ɢɡǥɠ
h ʜħɦɥ
i ıɪɨɩ
j ᴊɉȷʝ
k ᴋƙʞ
l ʟłƚɫɭ
m ᴍɱɯ
n ɴɲɳŋƞ
o ᴏøɵ
p ᴘƥᵽ
q ʠɋꞯ
r ʀɽɍɹ
s ꜱʂȿ
t ᴛŧƭʈⱦʇ
u ᴜʉ
v ᴠʋʌ
w ᴡⱳʍ
x ᶍ
y ʏɏƴʎ
z ᴢƶȥʐ
ae æ
oe œ
"""

# The first of 26 letters of an emoji: squared and circled ones, and those that flags are made of.
_ALPHABETS = (0x1F150, 0x1F170, 0x1F1E6)

# Digits and signs, and what each is written for.
STANDING_FOR = {
    "0": "o",
    "1": "il",
    "3": "e",
    "4": "a",
    "5": "s",
    "7": "t",
    "8": "b",
    "9": "g",
    "@": "a",
    "$": "s",
    "!": "il",
    "|": "il",
    "+": "t",
    "€": "e",
    "¢": "c",
}


def _read(table: str) -> dict[str, str]:
    rows = (line.split() for line in table.split("\n") if line)
    return {alike: letter for letter, row in rows for alike in row}


OTHER_SCRIPTS = _read(_OF_OTHER_SCRIPTS)
LATIN = _read(_OF_LATIN) | {
    chr(start + n): chr(ord("a") + n) for start in _ALPHABETS for n in range(26)
}
