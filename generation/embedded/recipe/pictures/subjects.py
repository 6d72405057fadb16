"""The subjects of scenes: objects recognizable at 128 pixels, and the words for them."""

from dataclasses import dataclass
from pathlib import Path

from generation.embedded.recipe.pictures.dataset import Concept

CITY = "city"
CITY_WORDS = ("city", "city", "city", "town", "metropolis")

# The data's name, and other names if people use them; the first is the preferred one.
_TABLE = """
cat | black cat | dog | dog face | poodle | fox face: fox | wolf face: wolf | lion face: lion
tiger | bear face: bear | panda face: panda | koala | polar bear | rabbit: bunny, rabbit
rabbit face: rabbit | mouse: mouse, little mouse | hamster face: hamster | monkey | gorilla | horse
unicorn face: unicorn | zebra face: zebra | cow | pig | sheep | goat | bactrian camel: camel
elephant | giraffe face: giraffe | kangaroo | hedgehog | sloth | otter | beaver | raccoon | llama
penguin | owl | duck | eagle | parrot | flamingo | swan | rooster | chicken | baby chick: chick
turtle | crocodile | snake | dragon | t rex: dinosaur, t-rex | frog face: frog | whale | dolphin
shark | octopus | crab | lobster | fish | tropical fish | snail | butterfly | honeybee: bee
lady beetle: ladybug, ladybird | spider | ant | bat | squid | jellyfish | seal | peacock | dodo
red apple: apple | green apple | pear | banana | lemon | strawberry | cherries | grapes
watermelon | pineapple | peach | tomato | carrot | avocado | broccoli | mushroom | pumpkin
hamburger: burger, hamburger | slice of pizza: pizza, slice of pizza | hot dog | taco
doughnut: donut, doughnut
cookie | birthday cake | cupcake | soft ice cream: ice cream, ice cream cone | croissant | pretzel
sushi | french fries: fries, french fries | popcorn | lollipop | hot beverage: coffee, cup of coffee
teapot | beer mug: beer | wine glass: glass of wine
automobile: car, red car | taxi | bus | police car | fire engine: fire truck, fire engine
delivery truck: truck | racing car: race car | motorcycle | bicycle: bike, bicycle | tractor
steam locomotive: steam train, locomotive | train | airplane: plane, airplane | helicopter | rocket
flying saucer: ufo, flying saucer | sailboat: boat, sailboat | ship | parachute | satellite
european castle: castle | house building: house | hut | tent | ferris wheel | fountain
statue of liberty | tokyo tower | church | lighthouse | classical building: temple
evergreen tree: fir tree, pine tree | deciduous tree: tree | palm tree | cactus | sunflower | rose
tulip | christmas tree | jack o lantern: pumpkin, jack o lantern | snowman | balloon | teddy bear
kite | soccer ball: football, soccer ball | basketball and hoop: basketball | guitar | violin
trumpet | drum with drumsticks: drum | saxophone | umbrella | crown | top hat: hat
robot face: robot | ghost | extraterrestrial alien: alien | clown face: clown | skull
mage: wizard | vampire | zombie | fairy | mermaid | superhero | genie | elf
father christmas: santa, santa claus | astronaut | ninja | police officer | cook: chef, cook
firefighter | farmer | princess | prince | baby | man | woman | girl | boy
smiling face with sunglasses: cool face, smiley with sunglasses | grinning face: smiley, happy face
angry face | sleeping face | thinking face | camera | television: tv | personal computer: laptop
desktop computer: computer | mobile phone: phone | alarm clock | light bulb | candle | books | key
hammer | axe | crossed swords: swords | bomb | gem stone: diamond, gem
wrapped present: gift, present
treasure | trophy | red heart | heavy black heart: heart, red heart | fire: fire, flame
glowing star: star | sun with face: sun | full moon symbol: moon, full moon | rainbow | snowflake
chair | couch and lamp: sofa | bed | door | mirror | bathtub | magnet | telescope | microscope
sneakers | high heeled shoe: high heel | dress | t shirt: shirt, t-shirt | eyeglasses: glasses
"""


@dataclass(frozen=True, slots=True)
class Subject:
    """An object with its names. The city alone has no ``concept``: the recipe paints it."""

    words: tuple[str, ...]
    concept: Concept | None = None

    @property
    def name(self) -> str:
        """The concept's own name, ``CITY`` for a city."""
        return self.concept.name if self.concept else CITY

    @property
    def flat(self) -> Path | None:
        """The concept's flat drawing, if there is one."""
        return self.concept.flat if self.concept else None

    @property
    def kind(self) -> str:
        """The first word of the concept's kind; empty for a city."""
        return self.concept.kind.split()[0] if self.concept and self.concept.kind else ""


def asked_for(concepts: list[Concept]) -> list[Concept]:
    """Return the concepts among the subjects: people ask for those first."""
    return [subject.concept for subject in subjects(concepts) if subject.concept is not None]


def subjects(concepts: list[Concept]) -> list[Subject]:
    """Return the subjects whose concepts exist, the city first; always in the same order."""
    by_name = {concept.name: concept for concept in concepts}
    found = [Subject(CITY_WORDS)]
    for entry in _TABLE.replace("\n", "|").split("|"):
        name, _, words = (part.strip() for part in entry.partition(":"))
        if name in by_name:
            spoken = tuple(word.strip() for word in words.split(",")) if words else (name,)
            found.append(Subject(spoken, by_name[name]))
    return found
