#!/usr/bin/env python3
"""Makes uk_care.given_names.tsv and uk_care.family_names.tsv; see README.md for sources and steps.

Deterministic: the same input files give the same tables. Needs pandas, pyarrow and pyreadr.
"""

import argparse
import collections
import importlib
import math
import pathlib
import re
import sys
import unicodedata

import pandas
import pyreadr

import name_communities as communities

SMALLEST = 2e-6
SPECIAL = str.maketrans({"Ł": "L", "Ø": "O", "Đ": "D", "ß": "SS", "Æ": "AE", "Œ": "OE", "Þ": "TH", "Ð": "D", "ı": "I"})
# Census 2021, England and Wales: share of people by age at 2021 (5-year bands from 0, last 90+).
AGE_BANDS = [5.4, 5.9, 6.0, 5.7, 6.0, 6.6, 7.0, 6.7, 6.3, 6.4, 6.9, 6.7, 5.8, 4.9, 5.0, 3.6, 2.5, 1.6, 0.9]
FEMALE = [.488] * 3 + [.49] * 2 + [.505] * 8 + [.515] * 2 + [.53, .56, .60, .68]
# Share of each band whose names are not from births in England and Wales (settled later, or born to those who did,
# where the births table does not show them); estimated from country of birth and ethnic group by age.
NEWCOMERS = [.02, .05, .06, .08, .12, .27, .28, .28, .27, .24, .17, .15, .13, .11, .10, .08, .07, .06, .06]
# Per cent of people in Wales with the surname (by hand, approximate), to take Wales out of England and Wales.
WALES = {"JONES": 5.7, "WILLIAMS": 3.7, "DAVIES": 3.7, "EVANS": 2.5, "THOMAS": 2.3, "ROBERTS": 1.5, "LEWIS": 1.5, "HUGHES": 1.2,
         "MORGAN": 1.2, "GRIFFITHS": 1.0, "EDWARDS": .96, "SMITH": .9, "JAMES": .9, "REES": .8, "OWEN": .6, "PRICE": .7, "MORRIS": .65,
         "JENKINS": .85, "PHILLIPS": .7, "RICHARDS": .5, "LLOYD": .5, "HARRIS": .5, "PARRY": .45, "POWELL": .45, "BROWN": .35,
         "TAYLOR": .3, "WALTERS": .2, "HARRIES": .15, "PUGH": .2, "ELLIS": .25, "HOWELLS": .25, "OWENS": .25, "BOWEN": .25}
# The list of the 500 commonest was made about 2000, when about 0.907 of people had British names; share now 0.789.
SINCE_2000 = 0.90
# 1998 electoral roll counts among 44.5 million electors, and growth of the share of people to 2021.
ROLL = {"PATEL": (88110, 1.35), "BEGUM": (43635, 1.8), "KHAN": (43460, 2.3), "SINGH": (40119, 1.9), "HUSSAIN": (35833, 2.2),
        "ALI": (34599, 2.4), "KAUR": (33892, 1.9), "BIBI": (16348, 1.7)}
# Hand estimates (supplement): share of all people in England.
FAMILY_BY_HAND = {"NOWAK": 7e-5, "KOWALSKA": 3e-5, "KOWALSKI": 3e-5, "WISNIEWSKA": 1.6e-5, "WISNIEWSKI": 1.6e-5, "WOJCIK": 3e-5,
                  "KOWALCZYK": 3e-5, "KAMINSKI": 1.5e-5, "KAMINSKA": 1.5e-5, "LEWANDOWSKI": 1.5e-5, "LEWANDOWSKA": 1.5e-5,
                  "ZIELINSKI": 1.4e-5, "ZIELINSKA": 1.4e-5, "WOZNIAK": 2.5e-5, "SZYMANSKI": 1.3e-5, "SZYMANSKA": 1.3e-5,
                  "OKAFOR": 4e-5, "MENSAH": 9e-5, "OWUSU": 9e-5, "BOATENG": 7e-5, "OSEI": 5e-5, "ASANTE": 4e-5, "ADEYEMI": 4e-5,
                  "BALOGUN": 4e-5, "MOYO": 5e-5, "NCUBE": 5e-5, "KAMARA": 7e-5, "OKORO": 3e-5, "OKEKE": 3e-5, "EZE": 2.5e-5,
                  "MOHAMED": 4.5e-4, "MOHAMUD": 8e-5, "WARSAME": 4e-5, "FARAH": 7e-5, "ABDI": 9e-5, "HASSAN": 6e-4,
                  "POPA": 6e-5, "POPESCU": 4e-5, "IONESCU": 2.5e-5, "RADU": 4e-5, "SILVA": 1.8e-4, "SANTOS": 1.5e-4,
                  "NGUYEN": 2.2e-4, "MIAH": 9e-4, "UDDIN": 7e-4, "AHMED": 1.6e-3, "SHAH": 9e-4, "AKHTAR": 7e-4, "MAHMOOD": 5e-4, "IQBAL": 5e-4}
LOCALES = {"polish_slavic": ["pl_PL", "cs_CZ", "sk_SK", "lt_LT", "lv_LV"], "romanian": ["ro_RO"],
               "southern_european": ["it_IT", "es_ES", "pt_PT"], "western_european": ["de_DE", "fr_FR"],
               "african": ["yo_NG", "ig_NG", "tw_GH"], "british": ["en_GB", "en_IE"], "hindu": ["en_IN"],
               "south_asian_muslim": ["en_PK"], "arabic": ["tr_TR"]}
# Estimated share of births with the commonest name of the decade, where no counts exist.
TOP_SHARE = {("M", 1924): .080, ("M", 1934): .080, ("M", 1944): .074, ("M", 1954): .062, ("M", 1964): .055,
             ("F", 1924): .050, ("F", 1934): .050, ("F", 1944): .046, ("F", 1954): .046, ("F", 1964): .034}
MOST_GIVEN, MOST_FAMILY = 6500, 15000


def fold(text):
    """Upper case A-Z only; empty when nothing of the name is left."""
    text = unicodedata.normalize("NFKD", str(text).upper().translate(SPECIAL))
    return re.sub(r"[^A-Z]", "", text)


def lists_of(locale, part):
    """Folded names of one locale of the made-up-data package (`part` is `first` or `last`)."""
    provider = importlib.import_module(f"faker.providers.person.{locale}").Provider
    found = set()
    for key in dir(provider):
        values = getattr(provider, key)
        if part in key and "names" in key and not key.startswith("format") and isinstance(values, (tuple, list, dict)):
            found |= {fold(value) for value in values if isinstance(value, str)}
    return {name for name in found if len(name) > 1}


def seeds(part):
    return {label: set().union(*(lists_of(locale, part) for locale in locales)) for label, locales in LOCALES.items()}


def pinyin(name):
    return bool(communities.PINYIN.match(name))


def family_community(name, shares, seed):
    """`shares`: per cent white, black, asian, hispanic among bearers in the United States, or None."""
    white, _, asian, hispanic = shares or (0, 0, 0, 0)
    by_hand = [("south_asian_muslim", communities.MUSLIM_FAMILY), ("sikh", communities.SIKH_FAMILY),
               ("hindu", communities.HINDU_FAMILY), ("arabic", communities.ARABIC_FAMILY), ("african", communities.AFRICAN_FAMILY),
               ("romanian", communities.ROMANIAN_FAMILY), ("other_asian", communities.OTHER_ASIAN_FAMILY)]
    if name in communities.MIXED_FAMILY:
        return "mixed"
    for label, names in by_hand:
        if name in names and (white < 80 or name in ROLL or name in FAMILY_BY_HAND):
            return label
    if name in FAMILY_BY_HAND and communities.POLISH_TOP.search(name):
        return "polish_slavic"
    if name in communities.ROMANIAN_FAMILY and name not in seed["sample"]:
        return "romanian"
    if name in communities.CHINESE_FAMILY and asian >= 40:
        return "chinese"
    if name in seed["spine"]:
        return "british"
    if hispanic >= 40:
        return "southern_european"
    if asian >= 50:
        return asian_family(name, seed)
    if name in seed["african"] and white < 50:
        return "african"
    if communities.AFRICAN_SHAPE.match(name) and white < 20:
        return "african"
    return european_family(name, seed)


def asian_family(name, seed):
    if name in seed["south_asian_muslim"]:
        return "south_asian_muslim"
    if name in seed["hindu"] or communities.INDIAN_SHAPE.search(name):
        return "hindu"
    if len(name) <= 6 and pinyin(name) and re.search(r"X|Q|ZH|NG$", name):
        return "chinese"
    if re.search(r"(MOTO|MURA|YAMA|SHITA|GAWA|KAWA|SAKI|TANI|NAGA|GUCHI|HARA|TA|NO|DA)$", name) or len(name) <= 4:
        return "other_asian"
    return "hindu"


def european_family(name, seed):
    if name in seed["sample"] and not communities.SLAVIC_SHAPE.search(name):
        return "british"
    if communities.ROMANIAN_SHAPE.search(name) and name in seed["romanian"]:
        return "romanian"
    if communities.SLAVIC_SHAPE.search(name) or (
            name in seed["polish_slavic"] - seed["british"] and communities.SLAVIC_ENDING.search(name)):
        return "polish_slavic"
    if name in seed["british"]:
        return "british"
    if name in seed["southern_european"] or communities.ITALIAN_SHAPE.search(name):
        return "southern_european"
    if name in seed["western_european"] or communities.GERMANIC_SHAPE.search(name):
        return "western_european"
    return "british"


def given_community(name, shares, seed):
    white, black, asian, hispanic = shares or (0, 0, 0, 0)
    if name in communities.MIXED_GIVEN:
        return "mixed"
    for label, names in (("south_asian_muslim", communities.MUSLIM_GIVEN), ("sikh", communities.SIKH_GIVEN),
                         ("arabic", communities.ARABIC_GIVEN)):
        if name in names:
            return label
    if name in communities.POLISH_GIVEN and name not in seed["common"]:
        return "polish_slavic"
    if name in communities.ROMANIAN_GIVEN and name not in seed["common"]:
        return "romanian"
    if asian >= 55:
        if communities.SIKH_SHAPE.search(name) and len(name) > 5:
            return "sikh"
        if name in seed["south_asian_muslim"]:
            return "south_asian_muslim"
        if name in communities.CHINESE_GIVEN or (pinyin(name) and re.search(r"X|Q|ZH|[AEIOU]NG$", name)):
            return "chinese"
        return "hindu"
    if not shares and communities.SIKH_SHAPE.search(name) and len(name) > 7:
        return "sikh"
    if name in seed["african"] and white < 40 and name not in seed["common"]:
        return "african"
    if communities.AFRICAN_SHAPE.match(name) and white < 30:
        return "african"
    if name in seed["south_asian_muslim"] - seed["british"] and white < 60:
        return "south_asian_muslim"
    if name in seed["common"]:
        return "british"
    return european_given(name, white, black, hispanic, seed)


def european_given(name, white, black, hispanic, seed):
    if not white and name in seed["south_asian_muslim"]:
        return "south_asian_muslim"
    if name in seed["polish_slavic"] and name not in seed["british"]:
        return "polish_slavic"
    if hispanic >= 50 or (name in seed["southern_european"] and name not in seed["british"]):
        return "southern_european"
    if name in seed["western_european"] and name not in seed["british"]:
        return "western_european"
    return "british" if white + black > 0 else "mixed"


def census(path):
    """name -> (count, (white, black, asian, hispanic) per cent) of one United States census table."""
    table = pandas.read_parquet(path)
    columns = ["count", "pctwhite", "pctblack", "pctapi", "pcthispanic"]
    table[columns] = table[columns].apply(pandas.to_numeric, errors="coerce").fillna(0.0)
    result = {}
    for row in table[["name"] + columns].itertuples(index=False):
        name = fold(row[0])
        if name and row[0] != "ALL OTHER NAMES" and name not in result:
            result[name] = (float(row[1]), tuple(float(value) for value in row[2:]))
    return result


def sex_of(path):
    table = pandas.read_parquet(path)
    share = pandas.to_numeric(table["pctfemale"], errors="coerce").fillna(50.0) / 100
    return {fold(name): float(value) for name, value in zip(table["name"], share)}


# ---------------------------------------------------------------------------------------------- family names

def spine_table():
    provider = importlib.import_module("faker.providers.person.en_GB").Provider
    spine = {}
    for name, per_cent in provider.last_names.items():
        key = fold(name)
        spine[key] = max((1.05 * per_cent - 0.055 * WALES.get(key, 0.0)) / 0.945, per_cent * 0.3) / 100 * SINCE_2000
    return spine


def ending_ratios(white, sample, size):
    """How much commoner names with an ending are in the British sample than among white Americans, shrunk."""
    total = sum(white.values())
    seen, expected = collections.Counter(), collections.Counter()
    for name in sorted(set(white) | set(sample)):
        for length in (2, 3, 4):
            seen[name[-length:]] += min(sample.get(name, 0), 15)
            expected[name[-length:]] += min(white.get(name, 0) / total * size, 15.0)
    ratios = {"": 1.0}
    for length in (2, 3, 4):
        for ending in (key for key in seen if len(key) == length):
            parent = ratios.get(ending[1:], 1.0)
            ratios[ending] = (seen[ending] + 8 * parent) / (expected[ending] + 8)
    return ratios


def ratio_of(name, ratios):
    for length in (4, 3, 2):
        if name[-length:] in ratios:
            return ratios[name[-length:]]
    return 1.0


def shrunk(name, prior, sample, size):
    """Gamma-Poisson mean of the share of people, from a prior share and the count in the sample.

    The shape (how far the prior is to be trusted) was found by greatest likelihood of the sample's counts: 0.1 for
    priors of 3e-6, 0.15 at 1e-5, 0.4 at 5e-5, 1 above 1e-4.
    """
    shape = min(1.0, max(0.1, 0.15 * (prior / 1e-5) ** 0.6))
    return (sample.get(name, 0) + shape) / (size + shape / prior)


def family_table(options, share):
    older, newer = census(options.census / "census_2010.parquet"), census(options.census / "census_2020.parquet")
    american = {**older, **newer}
    frame = pyreadr.read_r(str(options.surnames))["lastname_uk"]
    size = 33300
    sample = {fold(name): max(1, round(freq * size)) for name, freq in zip(frame["surname"], frame["freq"])}
    sample.pop("", None)
    spine, seed = spine_table(), seeds("last")
    seed["spine"], seed["sample"] = set(spine), set(sample)
    names = sorted(set(american) | set(sample) | set(spine) | set(ROLL) | set(FAMILY_BY_HAND))
    label = {name: family_community(name, american.get(name, (0, None))[1], seed) for name in names}
    grown = {name: value * 1.3 for name, value in spine.items() if label[name] != "british"}
    spine = {name: value for name, value in spine.items() if label[name] == "british"}
    white = {name: count * shares[0] / 100 for name, (count, shares) in american.items()}
    ratios, total = ending_ratios(white, sample, size), sum(white.values())
    rows = {}
    tail = {name: shrunk(name, max(white.get(name, 0) / total * ratio_of(name, ratios), 1.5e-6), sample, size)
            for name in names if label[name] == "british" and name not in spine}
    target = share["british"] * 0.93 - sum(spine.values())
    rows.update({name: value * target / sum(tail.values()) for name, value in tail.items()})
    rows.update(spine)
    rows.update(other_families(names, label, american, sample, size, (share, grown)))
    return rows, label


COVERAGE = {"south_asian_muslim": .85, "sikh": .9, "hindu": .75, "chinese": .92, "other_asian": .75, "arabic": .55, "african": .5,
            "polish_slavic": .5, "romanian": .55, "southern_european": .45, "western_european": .4}


def other_families(names, label, american, sample, size, known):
    """`known`: share of each community, and the values already settled for names of the 500 commonest."""
    share, grown = known
    column = {"african": 1, "southern_european": 3, "polish_slavic": 0, "romanian": 0, "western_european": 0, "arabic": None}
    fixed = grown | {name: count / 44.5e6 * growth for name, (count, growth) in ROLL.items()} | FAMILY_BY_HAND
    rows = {}
    for community, covered in COVERAGE.items():
        members = [name for name in names if label[name] == community and name not in fixed]
        weight = {}
        for name in members:
            count, shares = american.get(name, (60.0, (50, 50, 50, 50)))
            which = column.get(community, 2)
            weight[name] = max(count * (shares[which] / 100 if which is not None else 1.0), 15.0)
            if community == "southern_european":
                weight[name] **= 0.75
            if community == "polish_slavic" and re.search(r"(SKI|CKI)$", name) and name[:-1] + "A" not in weight:
                weight[name] *= 0.5
                weight[name[:-1] + "A"] = weight[name]
        goal = max(share[community] * covered - sum(fixed[n] for n in fixed if label.get(n) == community), share[community] * .2)
        scale = goal / sum(weight.values())
        blended = {name: shrunk(name, max(value * scale, 1e-7), sample, size) for name, value in weight.items()}
        rescale = goal / sum(blended.values())
        for name, value in blended.items():
            rows.setdefault(name, value * rescale)
            label.setdefault(name, community)
    rows.update(fixed)
    return rows


# ----------------------------------------------------------------------------------------------- given names

def normal(weights):
    total = sum(weights.values())
    return {name: value / total for name, value in weights.items()} if total else {}


def yearly_births(path, table):
    frame = pyreadr.read_r(str(path))[table]
    births = collections.defaultdict(lambda: collections.Counter())
    for year, sex, name, count in frame[["year", "sex", "name", "n"]].itertuples(index=False):
        if count == count:
            births[(int(year), sex)][fold(name)] += float(count)
    return births


def rank_curve(scottish, sex, decade):
    """Share of births by rank: Scotland's measured curve of the nearest year from 1974, made steeper before."""
    counts = sorted(scottish[(max(decade, 1974), sex)].values(), reverse=True)
    measured = [count / sum(counts) for count in counts[:100]]
    if decade >= 1974:
        return measured
    covered, low, high = {"M": .91, "F": .82}[sex], 0.5, 3.0
    for _ in range(60):
        middle = (low + high) / 2
        curve = [value ** middle for value in measured]
        if curve[0] / sum(curve) * covered < TOP_SHARE[(sex, decade)]:
            low = middle
        else:
            high = middle
    return [value * covered / sum(curve) for value in curve]


def decade_shares(ranks, scottish, american, births, sex_share):
    """(decade, sex) -> name -> share of births, for 1924 to 1994."""
    frame, result = pyreadr.read_r(str(ranks))["rankings"], {}
    for decade in range(1924, 2004, 10):
        for sex in "FM":
            curve = rank_curve(scottish, sex, decade)
            listed = frame[(frame["year"] == decade) & (frame["sex"] == sex)].sort_values("rank")
            top = {fold(name): curve[min(int(rank), 100) - 1] for name, rank in zip(listed["name"], listed["rank"])}
            pool = collections.Counter()
            for year in range(1974, 1996):
                pool.update(scottish[(year, sex)])
            if decade >= 1984:
                pool.update({name: count * .5 for name, count in births[(1996, sex)].items()})
            rest = {}
            for name, count in pool.items():
                us = american.get(name, (0, (0,) * 4))
                side = sex_share.get(name, .5) if sex == "F" else 1 - sex_share.get(name, .5)
                if name not in top and name:
                    rest[name] = math.sqrt(count * (us[0] * us[1][0] / 100 * side / 300 + 1.0))
            rest, left = normal(rest), max(1 - sum(top.values()), .02)
            result[(decade, sex)] = {**{name: value * left for name, value in rest.items()}, **top}
    return result


def births_in(year, sex, births, decades):
    if year >= 1996:
        counts = births[(min(year, 2020), sex)]
        total = sum(counts.values()) / .94
        return {name: count / total for name, count in counts.items()}
    earlier = max(1924, min(1984, (year - 4) // 10 * 10 + 4))
    part = min(max((year - earlier) / 10, 0.0), 1.0)
    first, second = decades[(earlier, sex)], decades[(earlier + 10, sex)]
    return {name: first.get(name, 0) * (1 - part) + second.get(name, 0) * part for name in set(first) | set(second)}


def newcomer_names(label, american, births, share, british, seed):
    """Names of the adults that births in England and Wales do not show: community -> name -> share."""
    recent = collections.Counter()
    for (year, _), counts in births.items():
        if year <= 2012:
            recent.update(counts)
    result = {}
    for community in sorted(set(share) - {"british", "mixed"}):
        members = [name for name in label if label[name] == community]
        which = {"african": 1, "southern_european": 3, "arabic": None}.get(community, 2)
        us = {n: american[n][0] * (1.0 if which is None else american[n][1][which] / 100) for n in members if n in american}
        here = {n: recent[n] for n in members if n in recent}
        us, here = normal(us), normal(here)
        own = {n: .5 * us.get(n, 0) + .5 * here.get(n, 0) for n in set(us) | set(here)}
        hand = {"polish_slavic": communities.POLISH_GIVEN, "romanian": communities.ROMANIAN_GIVEN}.get(community)
        if hand:
            own = {n: .15 * own.get(n, 0) + .85 * v for n, v in normal(hand).items()} | {n: .15 * own[n] for n in own if n not in hand}
        if community in ("southern_european", "western_european", "african", "other_asian"):
            own = normal(own) | {}
            listed = {n: american[n][0] ** .5 for n in seed.get(community, ()) if n in american}
            listed = normal(listed)
            own = {n: .5 * own.get(n, 0) + .5 * listed.get(n, 0) for n in set(own) | set(listed)}
        anglo = {"african": .4, "chinese": .4, "other_asian": .3, "hindu": .05, "western_european": .25}.get(community, .0)
        covered = {"chinese": .35, "african": .45, "other_asian": .5, "western_european": .6, "hindu": .8}.get(community, .93)
        own = normal(own)
        result[community] = {n: covered * own.get(n, 0) + anglo * british.get(n, 0) for n in set(own) | set(british)}
    return result


def given_table(options, share):
    path = options.census / "census_2020_first_names.parquet"
    american, sex_share = census(path), sex_of(path)
    births, scottish = yearly_births(options.births, "ewbabynames"), yearly_births(options.scotland, "scotbabynames")
    decades, seed = decade_shares(options.ranks, scottish, american, births, sex_share), seeds("first")
    seed["common"] = {name for counts in decades.values() for name, value in counts.items() if value > 4e-4}
    total = collections.Counter()
    for counts in births.values():
        total.update(counts)
    seed["common"] |= {name for name, count in total.items() if count > 2000}
    names = set(american) | {name for counts in births.values() for name in counts} | {n for d in decades.values() for n in d}
    names |= set(communities.POLISH_GIVEN) | set(communities.ROMANIAN_GIVEN) | communities.SIKH_GIVEN
    label = {name: given_community(name, american.get(name, (0, None))[1], seed) for name in sorted(names) if len(name) > 1}
    british = normal({n: v for d in ((1964, "F"), (1964, "M"), (1984, "F"), (1984, "M")) for n, v in decades[d].items()})
    groups = newcomer_names(label, american, births, share, british, seed)
    outside = collections.Counter()
    for community in sorted(groups):
        for name, value in groups[community].items():
            outside[name] += share[community] / (1 - share["british"]) * value
    return blend(births, decades, outside, sex_share) + (label,)


def blend(births, decades, outside, sex_share):
    """(name -> share of people, name -> share of bearers who are female) over the age bands."""
    people, women, weight = collections.Counter(), collections.Counter(), sum(AGE_BANDS)
    for band, (per_cent, female, newcomers) in enumerate(zip(AGE_BANDS, FEMALE, NEWCOMERS)):
        size = per_cent / weight
        for year in range(2021 - 5 * band - 4, 2021 - 5 * band + 1):
            for sex, part in (("F", female), ("M", 1 - female)):
                for name, value in births_in(year, sex, births, decades).items():
                    amount = size / 5 * part * (1 - newcomers) * value
                    people[name] += amount
                    women[name] += amount if sex == "F" else 0
        for name, value in outside.items():
            people[name] += size * newcomers * value
            women[name] += size * newcomers * value * sex_share.get(name, .5)
    return people, {name: women[name] / people[name] for name in people if people[name]}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("faker", "census", "births", "ranks", "scotland", "surnames", "out"):
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
    options = parser.parse_args()
    sys.path.insert(0, str(options.faker))
    rows = [line.split("\t") for line in (options.out / "uk_care.communities.tsv").read_text().splitlines()[1:]]
    share = {row[0]: float(row[1]) for row in rows}
    people, women, label = given_table(options, share)
    kept = sorted((n for n in people if people[n] >= SMALLEST and n in label), key=lambda n: (-people[n], n))[:MOST_GIVEN]
    lines = ["name\tfrequency\tsex_share_female\tcommunity"]
    lines += [f"{n}\t{people[n]:.3g}\t{women[n]:.2f}\t{label[n]}" for n in kept]
    (options.out / "uk_care.given_names.tsv").write_text("\n".join(lines) + "\n")
    families, label = family_table(options, share)
    kept = sorted((n for n in families if families[n] >= SMALLEST and len(n) > 1), key=lambda n: (-families[n], n))[:MOST_FAMILY]
    lines = ["name\tfrequency\tcommunity"] + [f"{n}\t{families[n]:.3g}\t{label[n]}" for n in kept]
    (options.out / "uk_care.family_names.tsv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
