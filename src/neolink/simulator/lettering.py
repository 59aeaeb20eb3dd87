"""Letters for test pictures: a five by seven dot font. No drawing here, only which dots are set.

Capital letters, digits and a little punctuation; other characters show as a blank.
"""

__all__ = ["GLYPH_HEIGHT", "GLYPH_WIDTH", "glyph"]

GLYPH_WIDTH = 5
GLYPH_HEIGHT = 7

# Seven rows of five dots each, two hexadecimal digits a row, the left dot in the highest bit.
_ROWS = {
    "0": "0E11131519110E",
    "1": "040C040404040E",
    "2": "0E11010204081F",
    "3": "1F02040201110E",
    "4": "02060A121F0202",
    "5": "1F101E0101110E",
    "6": "0608101E11110E",
    "7": "1F010204080808",
    "8": "0E11110E11110E",
    "9": "0E11110F01020C",
    "A": "0E11111F111111",
    "B": "1E11111E11111E",
    "C": "0E11101010110E",
    "D": "1C12111111121C",
    "E": "1F10101E10101F",
    "F": "1F10101E101010",
    "G": "0E11101711110F",
    "H": "1111111F111111",
    "I": "0E04040404040E",
    "J": "0702020202120C",
    "K": "11121418141211",
    "L": "1010101010101F",
    "M": "111B1515111111",
    "N": "11191513111111",
    "O": "0E11111111110E",
    "P": "1E11111E101010",
    "Q": "0E11111115120D",
    "R": "1E11111E141211",
    "S": "0F10100E01011E",
    "T": "1F040404040404",
    "U": "1111111111110E",
    "V": "11111111110A04",
    "W": "11111115151B11",
    "X": "11110A040A1111",
    "Y": "11110A04040404",
    "Z": "1F01020408101F",
    ".": "00000000000C0C",
    ":": "000C0C000C0C00",
    "-": "0000001F000000",
    "/": "01010204081010",
    "_": "0000000000001F",
}
_DOTS = {character: bytes.fromhex(rows) for character, rows in _ROWS.items()}
_BLANK = bytes(GLYPH_HEIGHT)


def glyph(character: str) -> bytes:
    """Return the seven rows of a character, five dots each, the left dot worth 16."""
    return _DOTS.get(character.upper(), _BLANK)
