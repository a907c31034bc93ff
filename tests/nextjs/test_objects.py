"""What an exported app is in a bucket, and which of the old objects may go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from provisioner.nextjs.objects import IMMUTABLE, File, Object, Published, changed, is_intact, objects, outdated

SITE = ("index.html", "about.html", "about.txt", "404.html", "blog/first.html", "feed", "robots.txt",
        "_next/static/chunks/a.js", "_next/static/b1/_buildManifest.js")  # fmt: skip


def files(*paths: str, md5: str = "1") -> dict[str, File]:
    return {path: File(1, md5) for path in paths}


def made(found: Mapping[str, File], **options: Any) -> tuple[Object, ...]:
    return objects(found, **{"prefix": "", "types": {}, "extensionless": True, **options})


def release(name: str, wanted: tuple[Object, ...], published: float, **more: Any) -> Published:
    return Published(name, f"f-{name}", None, published, {each.key: each.sign for each in wanted}, {}, **more)


def tags(*all_wanted: tuple[Object, ...]) -> dict[str, str]:
    return {each.key: each.md5 for wanted in all_wanted for each in wanted}


def test_what_pages_refer_to_comes_first_and_the_first_page_last() -> None:
    assert [each.key for each in made(files(*SITE))] == [
        "_next/static/b1/_buildManifest.js", "_next/static/chunks/a.js", "feed", "about.txt",
        "robots.txt", "404.html", "about", "about.html", "blog/first", "blog/first.html", "index.html",
    ]  # fmt: skip


def test_pages_are_there_without_their_ending_unless_another_file_is() -> None:
    source = files("about.html", "about", "x/y.html", "index.html", "404.html")
    assert {each.key: each.file for each in made(source)} == {
        "about": "about", "about.html": "about.html", "x/y": "x/y.html", "x/y.html": "x/y.html",
        "index.html": "index.html", "404.html": "404.html",
    }  # fmt: skip
    assert [each.key for each in made(files("about.html"), extensionless=False)] == ["about.html"]


@pytest.mark.parametrize(("path", "kind", "cache"), [
    ("about.html", "text/html; charset=utf-8", "no-cache"),
    ("about", "text/html; charset=utf-8", "no-cache"),
    ("about.txt", "text/plain; charset=utf-8", "no-cache"),
    ("_next/static/chunks/a.js", "text/javascript; charset=utf-8", IMMUTABLE),
    ("docs/_next/static/media/f.woff2", "font/woff2", IMMUTABLE),
    ("feed", "application/atom+xml", "no-cache"),
    ("thing", "application/octet-stream", "no-cache"),
    ("PHOTO.JPG", "image/jpeg", "no-cache"),
])  # fmt: skip
def test_types_and_cache_rules(path: str, kind: str, cache: str) -> None:
    source = files("about.html") if path == "about" else files(path)
    found = {each.key: each for each in made(source, types={"/feed": "application/atom+xml"})}
    assert (found[path].type, found[path].cache) == (kind, cache)


def test_a_prefix_is_before_every_key_and_not_in_the_file() -> None:
    [page, _] = made(files("x.html"), prefix="shop/")
    assert (page.key, page.file) == ("shop/x", "x.html")


def test_only_what_differs_is_uploaded() -> None:
    old = made(files("index.html", "about.html") | files("_next/static/a.js"))
    new = made(files("index.html", md5="2") | files("about.html", "_next/static/a.js"))
    known = [release("a", old, 1.0)]
    assert changed(old, tags(old), known) == ()
    assert [each.key for each in changed(new, tags(old), known)] == ["index.html"]
    assert len(changed(old, tags(old), [])) == len(old)  # nobody knows their types
    assert [each.key for each in changed(old, {**tags(old), "about": "9"}, known)] == ["about"]


def test_another_type_or_right_is_a_difference_too() -> None:
    old = made(files("index.html"))
    assert changed(made(files("index.html"), acl="public-read"), tags(old), [release("a", old, 1.0)])
    public = release("b", made(files("index.html"), acl="public-read"), 2.0)
    assert changed(old, tags(old), [release("a", old, 1.0), public])  # the last word counts


def test_what_a_publication_that_was_cut_off_may_have_changed_is_uploaded_again() -> None:
    old, new = made(files("index.html", "about.html")), made(files("index.html", md5="2") | files("about.html"))
    known = [release("a", old, 1.0), release("b", new, 2.0, complete=False)]
    there = {**tags(old), "index.html": "2"}
    assert [each.key for each in changed(old, there, known)] == ["index.html"]
    assert [each.key for each in changed(new, there, known)] == ["index.html"]


def test_a_service_may_have_tags_of_its_own() -> None:
    wanted = made(files("index.html"))
    known = Published("a", "f", None, 1.0, {"index.html": wanted[0].sign}, {"index.html": "kms"})
    assert changed(wanted, {"index.html": "kms"}, [known]) == ()
    assert is_intact(known, {"index.html": "kms"})
    assert not is_intact(known, {"index.html": "1"})
    assert not is_intact(release("b", wanted, 1.0, complete=False), {"index.html": "1"})


def test_pages_go_with_their_release_and_assets_stay() -> None:
    old = made(files("index.html", "gone.html", "_next/static/old.js"))
    new = made(files("index.html", "_next/static/new.js"))
    keys, gone = outdated(new, {**tags(old, new), "mine.txt": "x"}, [release("a", old, 1.0)], "b", keep=5, before=0.0)
    assert keys == ("gone", "gone.html")
    assert gone == ()


@pytest.mark.parametrize(("superseded", "keep", "goes"), [
    (50.0, 1, True), (150.0, 1, False), (50.0, 2, False), (None, 1, False),
])  # fmt: skip
def test_old_assets_go_when_they_are_old_and_of_no_kept_release(
    superseded: float | None, keep: int, goes: bool
) -> None:
    old, new = made(files("_next/static/old.js", "_next/static/both.js")), made(files("_next/static/both.js"))
    earlier = release("a", old, 1.0, superseded=superseded)
    keys, gone = outdated(new, tags(old, new), [earlier], "b", keep=keep, before=100.0)
    assert (keys, gone) == ((("_next/static/old.js",), (earlier,)) if goes else ((), ()))
