"""The screenplay of the demo: everyday dialogues of two or three people, written for this project.

One block per dialogue: a title after `#`, then one line per turn, `Name (mood): words`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from msc_kedro.voice.manner import Gender, Identity


@dataclass(frozen=True)
class Person:
    """A member of the cast: which of the two voices speaks, and how it is told from others."""

    name: str
    gender: Gender
    identity: Identity


@dataclass(frozen=True)
class Line:
    """One turn of a dialogue."""

    speaker: str
    mood: str
    text: str


@dataclass(frozen=True)
class Scene:
    """One dialogue; `name` is the stem of its file."""

    name: str
    title: str
    lines: tuple[Line, ...]


CAST: tuple[Person, ...] = (
    Person("Anna", "female", Identity(rate=0.93)),
    Person("Ruth", "female", Identity(semitones=-2.0, formant=0.9, rate=0.86)),
    Person("Mia", "female", Identity(semitones=1.5, formant=1.14)),
    Person("Ben", "male", Identity(semitones=3.0, rate=0.93, range=1.4)),
    Person("Carl", "male", Identity(semitones=-0.5, formant=0.86, rate=0.85, range=1.5)),
    Person("Tom", "male", Identity(semitones=6.0, formant=1.14, range=1.5)),
)

_SCREENPLAY = """
# The lost keys
Anna (worried): I have looked everywhere and I still cannot find my keys.
Ben (calm): Take a slow breath. Where did you see them last?
Anna (worried): On the kitchen table, right after breakfast. The bus leaves in ten minutes!
Ben (cheerful): Look in the door. You left them in the lock again.
Anna (surprised): Oh no, they were there all night?
Ben (tender): It happens to everybody. Now go and catch your bus.

# The good news
Mia (excited): Guess what, I got the job at the museum!
Tom (surprised): Really? The one you have dreamed about since school?
Mia (excited): Yes! They called me this morning and I start in May.
Tom (cheerful): That is wonderful, Mia. I am so proud of you.
Mia (tender): Thank you for helping me write that letter.
Tom (cheerful): You did the hard part yourself. Tonight we celebrate.

# A quiet house
Ruth (sad): The house feels so empty since our old dog died.
Carl (tender): I miss him too. I still listen for him at the door.
Ruth (sad): This morning I filled his bowl without thinking.
Carl (tender): We gave him a good life, and he knew it.
Ruth (calm): Maybe we can plant a tree for him in the garden.

# The broken window
Carl (angry): Who broke my window with a ball this afternoon?
Tom (worried): It was me, sir. I am very sorry about it.
Carl (angry): I told you boys to play in the park, not here!
Ruth (calm): He came to tell the truth, Carl. That takes courage.
Tom (serious): I will pay for the glass from my own money.
Carl (calm): Well, that is honest. Come on Saturday and help me fix it.
Tom (cheerful): Thank you, sir. I will bring my father's tools.
Ruth (cheerful): And I will make lemonade for the two of you.

# After the night shift
Anna (cheerful): Good morning! Did you only come home now?
Ben (tired): Yes, it was a very long night at the hospital.
Anna (worried): You look pale. Did something happen?
Ben (tired): Nothing bad. There were just too many people and too few beds.
Anna (tender): Lie down and sleep. I will keep the children quiet.
Ben (tender): Thank you. Wake me up before dinner, please.

# Tickets for the concert
Tom (excited): I have two tickets for the concert on Friday night!
Mia (surprised): How did you do that? They were sold out in one hour.
Tom (cheerful): My uncle works at the theater and he kept two for me.
Mia (sad): But on Friday I have to work until ten.
Tom (calm): Ask your boss for a change. She likes you.
Mia (excited): You are right. I will call her this minute!

# The late report
Ruth (serious): The report was due yesterday, and my desk is still empty.
Ben (worried): I know. My computer stopped and I lost half of the pages.
Ruth (angry): Then why did nobody tell me about it?
Ben (sad): I was ashamed. I wanted to repair it alone.
Ruth (calm): Next time come to me at once. We solve such things together.
Ben (serious): I understand. You will have it before noon.

# Moving to the city
Mia (sad): So the boxes are packed and tomorrow you are gone.
Anna (tender): It is only two hours by train, little sister.
Mia (worried): Who will I talk to when I cannot sleep?
Anna (calm): You can call me at any hour of the night.
Mia (sad): It will not be the same without you.
Anna (cheerful): Come and visit me every month. I have a sofa just for you.
Mia (cheerful): Then I will bring the coffee and the old records.

# The first swim
Carl (cheerful): Come into the water, it is not cold at all!
Mia (worried): I do not know. The waves look very high today.
Tom (excited): Just jump! I will hold your hand the whole time.
Mia (worried): Please do not let go of me.
Carl (calm): Look at the sky, and let the water carry you.
Tom (tender): I am right here beside you. You are doing fine.
Mia (excited): I am swimming! I am really swimming!
Carl (cheerful): I told you so. You swim like a fish.

# The wrong order
Ben (serious): Excuse me, I asked for soup, and this is a salad.
Anna (worried): I am so sorry. I must have mixed up two tables.
Ben (angry): I have been waiting here for almost an hour.
Anna (calm): You are right to be angry. The soup comes now, and it is free.

# The exam
Tom (worried): The exam is tomorrow and I remember nothing at all.
Ruth (calm): You have studied for weeks. Tell me about the first chapter.
Tom (serious): It is about rivers, how they begin and where they end.
Ruth (cheerful): You see? That was a perfect answer.
Tom (tired): My head is full, and I have not slept well.
Ruth (tender): Then close the book. A rested mind remembers better.

# The birthday cake
Anna (excited): Quick, hide the cake, she is coming up the stairs!
Carl (surprised): Already? The candles are not even lit.
Anna (worried): Where did you put the matches?
Carl (calm): They are in your left hand, Anna.
Mia (surprised): What is going on here? Why is it so dark?
Anna (excited): Happy birthday! We made your favorite chocolate cake!
Mia (tender): You two are the best friends in the world.

# The storm
Ruth (worried): Listen to that wind. The lights went out again.
Tom (calm): I found a candle and some blankets in the closet.
Ruth (worried): Your father is still out on the road.
Tom (serious): He sent me a message. He is waiting at the station.
Ruth (calm): Thank goodness. Then we will wait here as well.
Tom (cheerful): Shall I make us some hot tea on the little stove?
Ruth (tender): Yes, please. You are a good boy.

# The old friend
Ben (surprised): Carl? Is that really you after all these years?
Carl (excited): Ben! You have not changed one bit, my friend!
Ben (cheerful): And you still laugh like a big old bear.
Carl (sad): My wife and I moved back when her mother got ill.
Ben (tender): I am sorry to hear that. How is she now?
Carl (calm): Better every week. Come for dinner and meet her.
Ben (cheerful): I would love to. Sunday is free for me.

# The borrowed bicycle
Mia (angry): You took my bicycle again without asking me!
Ben (calm): I only needed it to get some milk.
Mia (angry): I had to walk to school in the pouring rain!
Ben (sad): I did not know that. I am truly sorry.
Mia (serious): Please just ask me first the next time.
Ben (tender): I promise. And tomorrow I will drive you to school.
"""

_LINE = re.compile(r"^(?P<speaker>\w+) \((?P<mood>\w+)\): (?P<text>.+)$")


def scenes() -> tuple[Scene, ...]:
    """The dialogues in their order.

    Raises:
        ValueError: for a line of the screenplay that is not `Name (mood): words`.
    """
    found: list[Scene] = []
    for number, block in enumerate(_SCREENPLAY.strip().split("\n\n"), start=1):
        heading, *turns = block.splitlines()
        title = heading.removeprefix("# ")
        lines = []
        for turn in turns:
            parts = _LINE.match(turn)
            if parts is None:
                raise ValueError(f"expected `Name (mood): words` in {title!r}, found {turn!r}")
            lines.append(Line(**parts.groupdict()))
        slug = title.lower().replace(" ", "_")
        found.append(Scene(name=f"{number:02d}_{slug}", title=title, lines=tuple(lines)))
    return tuple(found)
