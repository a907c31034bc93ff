"""Publishing to a bucket of moto's server, through real boto3."""

from __future__ import annotations

import time
import uuid
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import pytest

from provisioner.nextjs import objects
from provisioner.nextjs.bucket import BucketError, Found, Store
from provisioner.nextjs.objects import Object, Published
from provisioner.nextjs.publish import Publication, files_of, planned, publish
from provisioner.nextjs.settings.bucket import Bucket, read
from provisioner.values import Secret

ONE = {"index.html": "one", "about.html": "about one", "about.txt": "data one", "404.html": "none",
       "_next/static/chunks/one.js": "one()", "_next/static/chunks/both.js": "both()"}  # fmt: skip
TWO = {"index.html": "two", "blog/post.html": "post", "404.html": "none", "_next/static/chunks/two.js": "two()",
       "_next/static/chunks/both.js": "both()"}  # fmt: skip


@pytest.fixture
def bucket(endpoint: str) -> Bucket:
    """A new one."""
    name = f"bucket-{uuid.uuid4().hex[:12]}"
    settings = read({"name": name, "region": "us-east-1", "endpoint": endpoint, "access_key": "key",
                     "secret_key": Secret("secret")})  # fmt: skip
    assert settings is not None
    client(settings).create_bucket(Bucket=name)
    return settings


def client(settings: Bucket) -> Any:
    return _client(settings.endpoint)


@cache
def _client(endpoint: str | None) -> Any:
    """Made once: that takes boto3 half a second."""
    return boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="key",
                        aws_secret_access_key="secret")  # fmt: skip


class Counting(Store):
    """Remembers what it uploaded, and fails when it has uploaded `fails_after` objects."""

    def __init__(self, settings: Bucket, fails_after: int = 10**6) -> None:
        super().__init__(settings)
        self.puts: list[str] = []
        self.writes = 0
        self._fails_after = fails_after

    def put(self, each: Object, site: Path) -> str:
        if len(self.puts) >= self._fails_after:
            raise BucketError("the network went away")
        self.puts.append(each.key)
        return super().put(each, site)

    def write_manifest(self, published: Published) -> None:
        self.writes += 1
        super().write_manifest(published)


def site(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def plan(
    store: Store, settings: Bucket, folder: Path, name: str, *, keep: int = 5, now: float | None = None
) -> tuple[Found, Publication]:
    wanted = objects.objects(files_of(folder), prefix=settings.prefix, types={}, extensionless=settings.extensionless,
                             acl=settings.acl)  # fmt: skip
    found = store.find()
    release = Published(name, f"fingerprint of {name}", None, now or time.time(), {}, {})
    return found, planned(found, wanted, release, keep=keep, delete_after=settings.delete_after)


def release(settings: Bucket, folder: Path, name: str, **options: Any) -> Counting:
    store = Counting(settings, options.pop("fails_after", 10**6))
    found, todo = plan(store, settings, folder, name, **options)
    if todo.upload or todo.remove or found.current is None or found.current.release != name:
        publish(store, found, todo, folder, lambda text: None)
    return store


def texts(settings: Bucket) -> dict[str, str]:
    found = {}
    for each in client(settings).list_objects_v2(Bucket=settings.name).get("Contents", ()):
        if ".provision/" not in each["Key"]:
            body = client(settings).get_object(Bucket=settings.name, Key=each["Key"])["Body"]
            found[each["Key"]] = body.read().decode()
    return found


def test_a_site_is_published_with_types_and_cache_rules(bucket: Bucket, tmp_path: Path) -> None:
    store = release(bucket, site(tmp_path, ONE), "a")
    assert texts(bucket) == {**ONE, "about": "about one"}
    assert store.puts[-1] == "index.html"
    assert {key.startswith("_next") for key in store.puts[:2]} == {True}
    page = client(bucket).head_object(Bucket=bucket.name, Key="about")
    assert (page["ContentType"], page["CacheControl"]) == ("text/html; charset=utf-8", "no-cache")
    asset = client(bucket).head_object(Bucket=bucket.name, Key="_next/static/chunks/one.js")
    assert (asset["ContentType"], asset["CacheControl"]) == (
        "text/javascript; charset=utf-8", "public, max-age=31536000, immutable")  # fmt: skip


def test_a_second_run_writes_nothing(bucket: Bucket, tmp_path: Path) -> None:
    release(bucket, site(tmp_path, ONE), "a")
    again = release(bucket, tmp_path, "a")
    assert (again.puts, again.writes) == ([], 0)
    found = again.find()
    assert found.current is not None
    assert objects.is_intact(found.current, found.there)


def test_the_next_release_uploads_what_differs_and_keeps_old_assets(bucket: Bucket, tmp_path: Path) -> None:
    release(bucket, site(tmp_path / "one", ONE), "a")
    store = release(bucket, site(tmp_path / "two", TWO), "b")
    assert sorted(store.puts) == ["_next/static/chunks/two.js", "blog/post", "blog/post.html", "index.html"]
    assert texts(bucket) == {**TWO, "blog/post": "post", "_next/static/chunks/one.js": "one()"}


def test_going_back_uploads_pages_only(bucket: Bucket, tmp_path: Path) -> None:
    release(bucket, site(tmp_path / "one", ONE), "a")
    release(bucket, site(tmp_path / "two", TWO), "b")
    store = release(bucket, tmp_path / "one", "a")
    assert sorted(store.puts) == ["about", "about.html", "about.txt", "index.html"]
    assert {**texts(bucket), **ONE} == texts(bucket)
    assert "blog/post" not in texts(bucket)


def test_old_assets_go_when_their_time_is_over(bucket: Bucket, tmp_path: Path) -> None:
    week, now = 7 * 24 * 3600.0, time.time()
    release(bucket, site(tmp_path / "one", ONE), "a", now=now - 3 * week)
    release(bucket, site(tmp_path / "two", TWO), "b", now=now - 2 * week)
    release(bucket, site(tmp_path / "three", {**TWO, "index.html": "three"}), "c", keep=2, now=now)
    assert "_next/static/chunks/one.js" not in texts(bucket)
    assert {each.release for each in Store(bucket).find().releases} == {"b", "c"}


@pytest.mark.parametrize("uploads", [0, 1, 3])
def test_cut_off_between_two_uploads_every_page_finds_its_files(bucket: Bucket, tmp_path: Path, uploads: int) -> None:
    release(bucket, site(tmp_path / "one", ONE), "a")
    second = {**TWO, "about.html": "about two"}
    with pytest.raises(BucketError, match="went away"):
        release(bucket, site(tmp_path / "two", second), "b", fails_after=uploads)
    found = texts(bucket)
    assert {"_next/static/chunks/one.js", "_next/static/chunks/both.js", "about.html", "404.html"} <= set(found)
    assert found["index.html"] == "one"
    assert found["about.html"] == "about one" or found["_next/static/chunks/two.js"] == "two()"
    release(bucket, tmp_path / "two", "b")
    assert {**texts(bucket), **second} == texts(bucket)
    assert release(bucket, tmp_path / "two", "b").puts == []


def test_cut_off_and_taken_back_the_old_site_is_there_again(bucket: Bucket, tmp_path: Path) -> None:
    release(bucket, site(tmp_path / "one", ONE), "a")
    with pytest.raises(BucketError):
        release(bucket, site(tmp_path / "two", {**TWO, "about.html": "x"}), "b", fails_after=4)
    release(bucket, tmp_path / "one", "a")
    assert {**texts(bucket), **ONE} == texts(bucket)


def test_a_prefix_leaves_the_rest_of_the_bucket_alone(bucket: Bucket, tmp_path: Path) -> None:
    client(bucket).put_object(Bucket=bucket.name, Key="mine.html", Body=b"mine")
    below = read({"name": bucket.name, "endpoint": bucket.endpoint, "region": "us-east-1", "prefix": "/shop",
                  "access_key": "key", "secret_key": "secret"})  # fmt: skip
    assert below is not None
    release(below, site(tmp_path, ONE), "a")
    assert texts(bucket) == {"mine.html": "mine", "shop/about": "about one",
                             **{f"shop/{name}": text for name, text in ONE.items()}}  # fmt: skip


def test_what_somebody_changed_or_removed_is_put_there_again(bucket: Bucket, tmp_path: Path) -> None:
    release(bucket, site(tmp_path, ONE), "a")
    client(bucket).put_object(Bucket=bucket.name, Key="index.html", Body=b"broken")
    client(bucket).delete_object(Bucket=bucket.name, Key="about")
    assert sorted(release(bucket, tmp_path, "a").puts) == ["about", "index.html"]


def test_a_bucket_that_is_not_there_is_named(endpoint: str) -> None:
    settings = read({"name": "nowhere", "region": "us-east-1", "endpoint": endpoint, "access_key": "k",
                     "secret_key": "s"})  # fmt: skip
    assert settings is not None
    with pytest.raises(BucketError, match="s3://nowhere/: there is no such bucket"):
        Store(settings).find()


def test_a_profile_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(BucketError, match="no profile `work`"):
        Store(Bucket("shop", profile="work"))


def test_missing_credentials_are_told(endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(BucketError, match="there are no credentials") as caught:
        Store(Bucket("shop", region="us-east-1", endpoint=endpoint)).find()
    assert "`profile`" in caught.value.hint


def test_a_service_that_does_not_answer_is_told() -> None:
    settings = Bucket("shop", region="us-east-1", endpoint="http://127.0.0.1:9", access_key="k", secret_key="s")
    with pytest.raises(BucketError, match="can't be reached"):
        Store(settings).find()


@pytest.mark.parametrize(("code", "words"), [
    ("AccessDenied", "do not allow to list it"), ("ExpiredToken", "have expired"), ("301", "in another region"),
    ("InvalidAccessKeyId", "does not know the access key"), ("SignatureDoesNotMatch", "does not belong"),
    ("SlowDown", "list it failed: words of the service"),
])  # fmt: skip
def test_what_the_service_says_is_put_into_words(bucket: Bucket, code: str, words: str) -> None:
    store = Store(bucket)

    def refuse(http_response: Any, parsed: dict[str, Any], **more: Any) -> None:
        parsed["Error"] = {"Code": code, "Message": "words of the service"}
        http_response.status_code = 400

    store._client.meta.events.register("after-call", refuse)
    with pytest.raises(BucketError, match=words):
        store.find()


def test_the_secret_is_in_no_error(bucket: Bucket) -> None:
    hidden = Bucket("nowhere-else", region="us-east-1", endpoint=bucket.endpoint, access_key="k",
                    secret_key=Secret("canary-4711"))  # fmt: skip
    with pytest.raises(BucketError) as caught:
        Store(hidden).find()
    assert "canary" not in f"{caught.value} {caught.value.hint} {hidden!r}"
