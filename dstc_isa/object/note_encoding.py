"""The byte encoding of the note and the line tables: LEB128 numbers and counted strings."""

from dstc_isa.object.error import ObjectError, damaged

NUMBER_LIMIT = 1 << 64
TEXT_ERRORS = "surrogatepass"
"""File names that are no UTF-8 hold lone surrogates, which must survive."""


class Encoder:
    """Collects records in ``data``."""

    def __init__(self) -> None:
        self.data = bytearray()

    def number(self, value: int) -> None:
        """Append an unsigned number, seven bits per byte, low bits first."""
        while value > 0x7F:
            self.data.append(value & 0x7F | 0x80)
            value >>= 7
        self.data.append(value)

    def signed(self, value: int) -> None:
        """Append a number near zero: 0, -1, 1, -2, ... are stored as 0, 1, 2, 3, ..."""
        self.number(value * 2 if value >= 0 else -value * 2 - 1)

    def text(self, value: str) -> None:
        """Append a string: its length in bytes, then UTF-8."""
        encoded = value.encode("utf-8", TEXT_ERRORS)
        self.number(len(encoded))
        self.data += encoded


class Decoder:
    """Reads records from ``data``; ObjectError, naming ``what`` is read, where they are not as Encoder writes them."""

    def __init__(self, data: bytes, what: str) -> None:
        self.data = data
        self.what = what
        self.at = 0

    def fail(self, why: str) -> ObjectError:
        """The error to raise at this place."""
        return damaged(f"{self.what}, byte {self.at}: {why}")

    def number(self) -> int:
        """Read an unsigned number below 2**64."""
        value = shift = 0
        while True:
            if self.at >= len(self.data):
                raise self.fail("the data ends too early")
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            if value >= NUMBER_LIMIT or shift > 63:
                raise self.fail("a number is too large")
            if byte < 0x80:
                return value
            shift += 7

    def signed(self) -> int:
        """Read a signed number."""
        value = self.number()
        return -(value + 1 >> 1) if value & 1 else value >> 1

    def count(self) -> int:
        """Read how many records follow; each takes a byte at least, so the data bounds it."""
        value = self.number()
        if value > len(self.data) - self.at:
            raise self.fail(f"{value} records do not fit the {len(self.data) - self.at} bytes left")
        return value

    def index(self, limit: int) -> int:
        """Read a number below ``limit``."""
        return self.within(self.number(), limit)

    def near(self, previous: int, limit: int) -> int:
        """Read a number below ``limit`` that is stored as its difference to ``previous``."""
        return self.within(previous + self.signed(), limit)

    def within(self, value: int, limit: int) -> int:
        """``value``, if it is from 0 to ``limit`` - 1."""
        if not 0 <= value < limit:
            raise self.fail(f"{value} is outside 0 to {limit - 1}")
        return value

    def text(self) -> str:
        """Read a string."""
        length = self.count()
        encoded = self.data[self.at : self.at + length]
        self.at += length
        try:
            return encoded.decode("utf-8", TEXT_ERRORS)
        except UnicodeDecodeError:
            raise self.fail("a string is not UTF-8") from None

    def end(self) -> None:
        """Check that nothing is left over."""
        if self.at != len(self.data):
            raise self.fail(f"{len(self.data) - self.at} bytes left over")
