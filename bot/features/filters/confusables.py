"""Characters that look like Latin letters.

Most pairs are facts of Unicode's confusables.txt (UTS #39, "Unicode Security Mechanisms"): those
with a letter that might be typed to get a word past a filter. Where that file maps capital I to l,
it is an i here. The other pairs are what generators of fancy letters produce, small letters shaped
like a Latin capital (в, н), and the usual digits and signs. Characters that compatibility
decomposition (NFKD) already turns into Latin, such as full-width and mathematical letters, are not
repeated.
"""

# Letters of other scripts, case-sensitive: Greek capital eta resembles H, small eta n.
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

# Small Latin letters with a stroke, hook or tail that no decomposition removes, small capitals, and
# upside-down letters.
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

# The first of 26 letter emoji: squared, circled, and regional indicators (flags).
_ALPHABETS = (0x1F150, 0x1F170, 0x1F1E6)

# Digits and signs, and the letters each stands for.
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
