"""Texts that people type: prompts that must make a picture, and prompts that need not."""

from random import Random

from generation.catalog import EMBEDDED
from generation.request import Aspect

WORDS = (
    "a red apple",
    "fox",
    "čáp",
    "赤いりんご",
    "тигр",
    "شجرة",
    "🦊",
    "👩‍🚀",
    "e\u0301toile",
    "(tiger:1.3)",
    "((bright))",
    "[dull]",
    r"\(literally\)",
    "**bold** _and_ ~~gone~~",
    "||hidden||",
    "`code`",
    "> quoted",
    "# heading",
    "<@123456789012345678>",
    "<@&42>",
    "<#7>",
    "@everyone",
    "@here",
    "[a link](https://example.com)",
    "https://example.com/?a=1&b=2",
    "<t:0:R>",
    "line\nbreak",
    "a — dash",
    "50 % off",
    "'); DROP TABLE jobs; --",
)
HOSTILE = (
    *WORDS,
    *"{}[]()\\|,:;\"'`",
    "{a,b}",
    "{a,b,c,d,e,f,g,h,i}",
    "{{a,b},{c,d}}",
    "{a,{b,c}} {d,e} {f,g}",
    r"\{ \} \,",
    "{",
    "}",
    "(word:99)",
    "(word:-1)",
    "(word:1e9)",
    "(" * 60,
    ")" * 60,
    "[" * 60,
    "BREAK",
    "--",
    "--seed",
    "--seed 7",
    "--seed -1",
    "--seed 99999999999",
    "--seed ７",
    "--ar 3:2",
    "--ar 21:9",
    "--ar 0:0",
    "--ar 9999:1",
    "--steps 101",
    "--steps 0",
    "--cfg nan",
    "--cfg 1e400",
    "--cfg 31",
    "--n 5",
    "--n 4",
    "--r 3",
    "--repeat 9",
    "--sampler",
    "--sampler none of ours",
    "--model ../../etc/passwd",
    "--style none",
    "--style portrait",
    "--no",
    '--no "text, blur"',
    "—ar 3:2",
    "--unknown 5",
    "--stpes 5",
    "\x00",
    "\x1b[31m",
    "\x07\x08\x7f",
    "\u202eevil\u202c",
    "\u200b\u200d\ufeff",
    "Z\u0351\u036b\u0343a\u0328\u0321l\u0338g\u0322o\u0489",
    "\U0001f1e9\U0001f1ea",
    "\U0010ffff",
    "ＦＵＬＬ",
    "𝔣𝔯𝔞𝔨𝔱𝔲𝔯",
    "ﷺ" * 20,
    "\n" * 40,
    "\t \u3000",
    "%s %n {0} {job}",
    "$(reboot)",
    "<script>alert(1)</script>",
)
SMALL = ("", "0", "-1", "1", "7", "3.5", "1,5", "nan", "1e9", "∞", "٣", " 5 ", "five", "1" * 20)


class Words:
    """Texts from a seeded generator."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def prompt(self) -> str:
        """Return a prompt that makes one job, whatever settings it is given with."""
        parts = [self._random.choice(WORDS) for _ in range(self._random.randint(1, 6))]
        if all("://" in part for part in parts):  # addresses alone are pictures, and no words
            parts += ["fox"]
        if self._random.random() < 0.05:
            parts += ["a long story"] * 40
        return " ".join([*parts, *self._parameters()]).strip()

    def several(self) -> str:
        """Return a prompt that makes two or three jobs, as many as one person may have."""
        words = self._random.choice(WORDS)
        return self._random.choice(
            (
                f"{{red, blue}} {words}",
                f"{words} --steps {{5, 6, 7}}",
                f"{words} --repeat 2",
                f"{{a, b}} {words} --r 1",
                f"{{{{x, y}}, z}} {words}",
            )
        )

    def wild(self, longest: int = 4000) -> str:
        """Return anything that a keyboard, or a program, can send."""
        parts = [self._random.choice(HOSTILE) for _ in range(self._random.randint(0, 9))]
        text = self._random.choice((" ", "", "\n", ", ")).join(parts)
        if self._random.random() < 0.08:
            text = (text or "x") * (1 + longest // max(1, len(text)))
        return text[:longest]

    def small(self) -> str:
        """Return what somebody may type where a number is asked for."""
        return self._random.choice(SMALL)

    def _parameters(self) -> list[str]:
        """Return parameters with good values, each at most once."""
        sampler = self._random.choice(EMBEDDED.samplers)
        offered = (
            f"--ar {self._random.choice(('1:1', '3:2', '2:3', '16:9', '9:16', *Aspect))}",
            f"--seed {self._random.randint(0, 2**32 - 10)}",
            f"--steps {self._random.randint(4, 12)}",
            f"--cfg {self._random.choice(('1', '3', '7.5', '2,5'))}",
            f"--sampler {sampler}",
            "--no text, blur",
            f"--n {self._random.randint(1, 4)}",
            f"--model {EMBEDDED.name.casefold()}",
        )
        return self._random.sample(offered, self._random.choice((0, 0, 0, 1, 2, 3)))
