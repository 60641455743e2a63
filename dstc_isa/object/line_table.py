"""The line table of a kernel: from each instruction to the stack of source lines it comes from."""

from dstc_isa.object.note_encoding import NUMBER_LIMIT, Decoder, Encoder
from dstc_isa.program import Frame, Location


def encode_locations(locations: tuple[Location, ...]) -> bytes:
    """Strings, frames and locations, each stored once in order of first use, then one number per instruction."""
    table = Encoder()
    put_locations(table, locations)
    return bytes(table.data)


def put_locations(table: Encoder, locations: tuple[Location, ...]) -> None:
    """Append the same to records."""
    strings: dict[str, int] = {}
    frames: dict[Frame, int] = {}
    stacks: dict[Location, int] = {}
    for location in locations:
        if location not in stacks:
            stacks[location] = len(stacks)
            for frame in location:
                if frame not in frames:
                    frames[frame] = len(frames)
                    strings.setdefault(frame.file, len(strings))
                    strings.setdefault(frame.macro, len(strings))
    table.number(len(strings))
    for string in strings:
        table.text(string)
    table.number(len(frames))
    line = 0
    for frame in frames:
        table.number(strings[frame.file])
        table.signed(frame.line - line)
        table.number(strings[frame.macro])
        line = frame.line
    table.number(len(stacks))
    nearby = 0
    for location in stacks:
        table.number(len(location))
        for frame in location:
            table.signed(frames[frame] - nearby)
            nearby = frames[frame]
    previous = 0
    for location in locations:
        table.signed(stacks[location] - previous)
        previous = stacks[location]


def decode_locations(data: bytes, instructions: int, what: str) -> tuple[Location, ...]:
    """The locations of that many instructions; ObjectError naming ``what`` if the table is not well formed."""
    table = Decoder(data, what)
    locations = take_locations(table, instructions)
    table.end()
    return locations


def take_locations(table: Decoder, count: int) -> tuple[Location, ...]:
    """So many locations out of records."""
    strings = [table.text() for _ in range(table.count())]
    frames = []
    line = 0
    for _ in range(table.count()):
        file = strings[table.index(len(strings))]
        line = table.near(line, NUMBER_LIMIT)
        frames.append(Frame(file, line, strings[table.index(len(strings))]))
    stacks = []
    nearby = 0
    for _ in range(table.count()):
        stack = []
        for _ in range(table.count()):
            nearby = table.near(nearby, len(frames))
            stack.append(frames[nearby])
        stacks.append(tuple(stack))
    locations = []
    previous = 0
    for _ in range(count):
        previous = table.near(previous, len(stacks))
        locations.append(stacks[previous])
    return tuple(locations)
