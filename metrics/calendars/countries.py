"""The country of a workspace, whose holidays are known days (docs/calendars.md).

The codes stand here so that they can be checked without the library that knows the holidays: serving and the command
line never load it. A test compares them with the library.
"""

from metrics.errors import InvalidInput
from metrics.visible import visible

_CODES = """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ
    CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO
    FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE
    JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO
    MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW
    PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM
    TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW
"""
COUNTRIES = frozenset(_CODES.split())
"""The ISO 3166-1 codes of the countries and territories whose holidays are known."""

_OTHER_CODES = {"UK": "GB", "EL": "GR"}
"""Codes that people use, and those of the standard."""
_SHOWN = 20


def checked_country(code: str) -> str:
    """Return the code of a country.

    Raises:
        InvalidInput: it is not the code of a country whose holidays are known.
    """
    if code in COUNTRIES:
        return code
    upper = code.upper()
    meant = _OTHER_CODES.get(upper, upper)
    hint = f"; did you mean {meant}?" if meant in COUNTRIES else ""
    shown = visible(code if len(code) <= _SHOWN else f"{code[:_SHOWN]}…")
    raise InvalidInput(
        f"country: {shown} is no country whose holidays are known; give two letters of ISO 3166-1, such as DE{hint}",
        "country",
    )
