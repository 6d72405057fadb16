import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from generation.library.naming import clean, unused
from generation.styles import NAME_LENGTH


@given(names=st.lists(st.text(), max_size=30))
def test_every_name_is_free_short_and_visible(names: list[str]):
    taken: set[str] = set()
    for name in names:
        made = unused([name], taken)
        assert 1 <= len(made) <= NAME_LENGTH
        assert made.casefold() not in taken
        assert made == made.strip()
        assert not any(unicodedata.category(one) in ("Cc", "Cs", "Zl") for one in made)
        taken.add(made.casefold())


def test_long_names_keep_their_ends():
    name = unused(["a" * 80 + "b" * 80 + "_v12"], ())
    assert name.startswith("aaa")
    assert name.endswith("bb_v12")
    assert len(name) == NAME_LENGTH


def test_alike_names_get_what_they_are_wanted_as_next():
    taken = {"model"}
    assert unused(["model", "sub/model"], taken) == "sub/model"
    assert unused(["Model"], taken) == "Model (2)"
    assert unused(["none"], ()) == "none (2)"  # which means no style


def test_names_of_any_script_stay():
    for name in ("模型 v2", "Größe", "мой ёж", "👩‍🎨 art", "நிறம்", "میخواهم"):
        assert clean(name) == unicodedata.normalize("NFC", name)
    assert clean(" a\nb\u202ec\x00 ") == "a bc"
