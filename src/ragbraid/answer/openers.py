"""Words that often begin an English sentence and are no names."""

from __future__ import annotations

_WORDS = """
according across additionally albeit along alongside also although altogether amid among another
anyway apart around aside based because begun behind besides beyond born bought brought built caught
chosen come concerning consequently consider considering despite done drawn driven due either else
elsewhere even every except fed felt few following for found furthermore given gone grown held hence
here however if in including indeed initially instead kept known laid last lastly later led left
lent let like likewise lit lost made many maybe meant meanwhile met moreover most much neither
nevertheless next no none nonetheless note often once one originally other others otherwise over
overall paid people perhaps please plus previously prior put rather read regarding regardless run
said second see seen sent set several shown similar since sold sometimes soon sorry sought spent
spoken still stood such taken taught third though thought throughout thus to today together told
tomorrow torn toward towards under unless unlike until upon usually various versus via well whatever
whenever whereas whereby wherever whether whichever while whoever with within without won worn
written yes yesterday yet
"""

OPENERS = frozenset(_WORDS.split())
"""Conjunctions, adverbs and irregular participles; stop words, numbers, -ly, -ing and -ed are apart."""
