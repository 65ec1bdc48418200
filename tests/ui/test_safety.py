"""The pages among people who mean no good: sessions, other sites, payloads that attack; and what each
role sees and may do."""
import json
import re
import shutil
import unittest
import urllib.error
import urllib.request

import browser
import host
from browser import UiCase, expect

# Nothing of the pages may act on these.
MARKUP = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
BIDI = "safe\u202etxt.exe\u2066\u200b\ufeff"
ACTIONS = re.compile("^(New|Create|Edit|Delete|Pause|Resume|Rotate|Send|Replay|Retry|Release|Revoke|Show$|"
                     "Try all again|Save|Explain|Cancel job)")


def answer_to(url, method="GET", **headers):
    """Status, headers and body, without following anything."""
    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_):
            return None
    request = urllib.request.Request(url, method=method, headers=headers,
                                     data=b"{}" if method == "POST" else None)
    try:
        response = urllib.request.build_opener(Stay).open(request)
    except urllib.error.HTTPError as error:
        response = error
    with response:
        return response.status, response.headers, response.read()


class SafetyTest(UiCase):
    def setUp(self):
        super().setUp()
        self.expected += ["401", "403", "404"]

    def portal(self, may_manage):
        return self.shop.project.ok("POST", "/portal-links", {
            "name": "Acme Inc.", "owner_id": "acme", "can_manage_endpoint": may_manage})

    def actions(self, page):
        """The actions that the page offers."""
        names = [b.inner_text() for b in page.get_by_role("button").all()]
        return {name for name in names if ACTIONS.match(name)}

    def test_the_key_stays_with_the_gateway(self):
        page = self.logged_in()
        cookies = page.context.cookies()
        self.assertEqual([(c["name"], c["httpOnly"], c["sameSite"], c["path"]) for c in cookies],
                         [("convoy_ui", True, "Strict", "/ui")])
        self.assertNotIn(self.key, json.dumps(cookies))
        kept = page.evaluate("""() => JSON.stringify([document.cookie, {...localStorage},
                                {...sessionStorage}, document.documentElement.outerHTML])""")
        self.assertNotIn(self.key, kept)
        self.assertNotIn(cookies[0]["value"], kept)
        page.get_by_role("button", name="Log out").click()
        expect(page.get_by_role("heading", name="Log in")).to_be_visible()
        status, _, _ = answer_to(self.url + "api/v1/access", **{
            "X-Convoy-Ui": "1", "Cookie": f"convoy_ui={cookies[0]['value']}"})
        self.assertEqual(status, 401, "the session has ended at the gateway, too")

    def test_a_key_that_was_revoked_ends_the_session(self):
        made = self.shop.project.ok("POST", "/api-keys", {"name": "soon gone"})
        page = self.logged_in(made["key"])
        self.visit(page, "endpoints", "Endpoints")
        self.shop.project.ok("DELETE", f"/api-keys/{made['uid']}")
        page.get_by_role("link", name="Sources").click()
        expect(page.get_by_text("Your session has ended.")).to_be_visible()

    def test_headers_of_the_pages(self):
        status, headers, body = answer_to(self.url)
        self.assertEqual(status, 200)
        policy = headers["Content-Security-Policy"]
        self.assertIn("default-src 'none'", policy)
        self.assertIn("script-src 'self';", policy)
        self.assertIn("frame-ancestors 'none'", policy)
        self.assertNotIn("unsafe", policy)
        self.assertEqual(headers["X-Frame-Options"], "DENY")
        self.assertEqual(headers["Referrer-Policy"], "no-referrer")
        # First paint needs nothing but this answer: the style is in it, the script is deferred.
        self.assertNotIn(b"stylesheet", body)
        self.assertIn(b"defer", body)
        script = re.search(rb'src="([^"]+)"', body).group(1).decode()
        packed = [answer_to(self.url + path, **{"Accept-Encoding": "gzip"}) for path in ("", script)]
        self.assertEqual([answer[1]["Content-Encoding"] for answer in packed], ["gzip", "gzip"])
        total = sum(len(answer[2]) for answer in packed)
        self.assertLess(total, 200 * 1024)
        self.assertIn("immutable", packed[1][1]["Cache-Control"])
        print(f"\n{total} bytes compressed in all")
        for path, location in (("/ui", "ui/"), ("/ui/portal", "portal/"),
                               ("/portal?token=PRT.x", "ui/portal/?token=PRT.x")):
            status, headers, _ = answer_to(self.origin + path)
            self.assertEqual((status, headers["Location"]), (302, location))
        self.assertEqual(answer_to(self.url + "nothing.js")[0], 404)
        self.assertEqual(answer_to(self.url + "../ui/index.html")[0], 404)
        self.assertEqual(answer_to(self.url, "POST")[0], 405)

    def test_pages_of_others_cannot_use_a_session(self):
        page = self.logged_in()
        cookie = page.context.cookies()[0]
        sent = {"Cookie": f"convoy_ui={cookie['value']}"}
        target = self.url + f"api/v1/projects/{self.shop.project.id}/endpoints"
        for headers, expected in (({}, 403), ({"X-Convoy-Ui": "1"}, 200),
                                  ({"X-Convoy-Ui": "1", "Sec-Fetch-Site": "cross-site"}, 403),
                                  ({"X-Convoy-Ui": "1", "Sec-Fetch-Site": "same-site"}, 403),
                                  ({"X-Convoy-Ui": "1", "Sec-Fetch-Site": "none"}, 403),
                                  ({"X-Convoy-Ui": "1", "Sec-Fetch-Site": "same-origin"}, 200)):
            with self.subTest(headers=headers):
                status, answered, _ = answer_to(target, **sent, **headers)
                self.assertEqual(status, expected)
                self.assertIsNone(answered["Access-Control-Allow-Origin"])
                self.assertIn("sandbox", answered["Content-Security-Policy"])
        self.assertEqual(answer_to(self.url + "session", "POST", **sent)[0], 403)
        # A real browser at another site: neither a form nor a script gets through.
        before = self.shop.project.ok("GET", "/endpoints")["content"]
        evil = browser.Site({"/": f"""<form id=f method=post action="{target}" enctype="text/plain">
            <input name='{{"name":"evil","url":"https://evil.example/","x":"' value='"}}'></form>
            <iframe name=i></iframe><script>f.target = 'i'; f.submit();
            fetch({json.dumps(target)}, {{method: 'POST', credentials: 'include',
              headers: {{'X-Convoy-Ui': '1'}}, body: '{{}}'}}).catch(() => document.title = 'refused')
            </script>"""})
        try:
            page.goto(evil.url)
            page.wait_for_function("() => document.title === 'refused'")
            page.wait_for_timeout(300)
            framed = browser.Site({"/": f"<iframe src='{self.url}'></iframe>"})
            page.goto(framed.url)
            page.wait_for_timeout(500)
            self.assertNotIn("Log in", page.frames[1].content() if len(page.frames) > 1 else "")
            framed.close()
        finally:
            evil.close()
        self.assertEqual(self.shop.project.ok("GET", "/endpoints")["content"], before)
        self.expected += ["CORS", "ERR_", "frame", "Content-Security-Policy", "Content Security Policy",
                          "X-Frame-Options", "415"]

    def test_payloads_that_attack_are_texts(self):
        shop = self.shop
        hostile = {MARKUP: MARKUP, "bidi": BIDI, "control": "a\u0000b\u001b[31mc\r\nd",
                   "__proto__": {"polluted": 1}, "url": "javascript:document.title='owned'",
                   "number": 12345678901234567890123}
        body = json.dumps(hostile).encode()
        shop.post(MARKUP[:60], body, "application/json", **{"X-Odd": MARKUP})
        shop.post("text/attack", MARKUP.encode() + BIDI.encode(), "text/html")
        shop.post("form/attack", f"a={MARKUP}".replace("<", "%3C").encode(),
                  "application/x-www-form-urlencoded")
        endpoint = shop.project.endpoint(MARKUP, self.receiver.url + "/x", description=MARKUP + BIDI)
        source = shop.project.source(MARKUP)
        link = shop.project.ok("POST", "/portal-links", {"name": MARKUP, "owner_id": MARKUP})
        self.addCleanup(shop.project.ok, "DELETE", f"/endpoints/{endpoint['uid']}")
        self.addCleanup(shop.project.ok, "DELETE", f"/sources/{source['uid']}")
        self.addCleanup(shop.project.ok, "PUT", f"/portal-links/{link['uid']}/revoke")
        page = self.logged_in()
        seen = []
        page.on("request", lambda request: seen.append(request.url))
        for place, title in (("events", "Events"), ("endpoints", "Endpoints"), ("sources", "Sources"),
                             ("portals", "Portal"), ("deliveries", "Deliveries"),
                             (f"endpoints/{endpoint['uid']}", "<img"), (f"sources/{source['uid']}", "<img")):
            self.visit(page, place, title)
            self.check_axe(page)
        for kind in (MARKUP[:60], "text/attack", "form/attack"):
            event = shop.project.events(event_type=kind)[0]
            self.visit(page, f"events/{event['uid']}", kind[:10])
            page.locator("summary").filter(has_text="Headers").first.click()
            self.assertIn("onerror", page.locator(".body-view").first.inner_text())
            self.check_axe(page)
            if kind == MARKUP[:60]:
                shown = page.locator(".body-view").first.inner_text()
                for part in ("U+202E", "U+FEFF", "12345678901234567890123", "javascript:"):
                    self.assertIn(part, shown)
                self.assertNotIn("\u202e", page.locator("main").inner_text())
                self.shot(page, "hostile")
        self.assertEqual(page.locator("main img, main script, main iframe").count(), 0)
        self.assertEqual(page.locator("a[href^='javascript']").count(), 0)
        self.assertFalse(page.evaluate("() => 'polluted' in {} || document.title === 'owned'"))
        self.assertTrue(all(url.startswith(self.origin) for url in seen if "data:" not in url))

    def test_large_bodies_and_many_headers_are_shown_in_part(self):
        shop = self.shop
        large = json.dumps({"items": ["x" * 1000] * 16_000}).encode()  # 16 MiB
        answered = shop.post("large.json", large, "application/json")
        self.assertEqual(answered.status, 200)
        shop.post("large.bytes", bytes(range(256)) * 8192, "application/octet-stream")
        many = {f"X-Header-{n:04}": "v" for n in range(80)}
        self.assertEqual(shop.post("many.headers", b"{}", "application/json", **many).status, 200)
        flood = {f"X-Flood-{n}": "v" for n in range(10_000)}
        self.assertIn(shop.post("flood.asked", b"{}", "application/json", **flood).status, (400, 431))
        flooding = shop.project.endpoint("Flood", shop.mirror["url"].replace("/mirror", "/flood"))
        self.addCleanup(shop.project.ok, "DELETE", f"/endpoints/{flooding['uid']}")
        shop.project.subscribe("Flood", flooding, shop.open, ["flood.answered"])
        shop.post("flood.answered", b"{}", "application/json")
        shop.post("deep.json", b"[" * 900 + b"]" * 900, "application/json")
        page = self.logged_in()
        for kind in ("large.json", "large.bytes", "many.headers", "deep.json", "flood.answered"):
            with self.subTest(kind=kind):
                event = host.wait_until(lambda: shop.project.events(event_type=kind), kind)[0]
                self.visit(page, f"events/{event['uid']}", kind)
                expect(page.locator(".body-view").first).to_be_visible()
                count = page.evaluate("() => document.querySelectorAll('*').length")
                self.assertLess(count, 12_000)
                if kind.startswith("large"):
                    before = len(page.locator(".body-view pre").first.inner_text())
                    page.get_by_role("button", name="Show more").first.click()
                    page.wait_for_timeout(200)
                    self.assertGreater(len(page.locator(".body-view pre").first.inner_text()), before)
                if kind == "many.headers":
                    page.locator("summary").filter(has_text="Headers").first.click()
                    page.get_by_role("button", name=re.compile("Show all")).first.click()
                    expect(page.get_by_text("X-Header-0079").first).to_be_visible()
                if kind == "flood.answered":
                    host.wait_until(lambda: [d for d in shop.project.deliveries(endpointId=flooding["uid"])
                                             if d["metadata"]["num_trials"]], "an attempt")
                    self.visit(page, f"events/{event['uid']}", kind)
                    buttons = page.get_by_role("button", name="Show attempts")
                    for _ in range(buttons.count()):
                        buttons.first.click()  # which then hides them
                    expect(page.get_by_text("Attempt 1").first).to_be_visible()
                    self.assertLess(page.evaluate("() => document.querySelectorAll('*').length"), 12_000)

    def test_a_viewer_sees_and_changes_nothing(self):
        page = self.logged_in(self.shop.viewer_key)
        expect(page.get_by_role("heading", name="Overview")).to_be_visible()
        expect(page.get_by_role("link", name="API keys")).to_have_count(0)
        self.shot(page, "viewer")
        event = self.shop.project.events(event_type="push")[0]
        for place, title in (("events", "Events"), ("deliveries", "Deliveries"), ("endpoints", "Endpoints"),
                             ("sources", "Sources"), ("subscriptions", "Subscriptions"), ("jobs", "Jobs"),
                             ("quarantine", "Quarantine"), ("portals", "Portal links"),
                             ("settings", "Settings"), (f"events/{event['uid']}", "push"),
                             (f"endpoints/{self.shop.orders['uid']}", "Order"),
                             (f"sources/{self.shop.github['uid']}", "GitHub")):
            with self.subTest(place=place):
                self.visit(page, place, title)
                self.assertEqual(self.actions(page), set())
                self.assertNotIn(self.shop.orders["secrets"][0]["value"], page.content())
                self.check_axe(page)
        # Without an offer it is refused, too.
        self.visit(page, "keys", "API keys")
        expect(page.get_by_role("alert")).to_contain_text("Unauthorized")
        status = page.evaluate("""(id) => fetch(`api/v1/projects/${id}/endpoints`, {method: 'POST',
          headers: {'X-Convoy-Ui': '1', 'Content-Type': 'application/json'}, body: '{}'})
          .then((r) => r.status)""", self.shop.project.id)
        self.assertEqual(status, 403)

    def test_a_stranger_sees_nothing(self):
        other = host.Project(self.admin, "A stranger's", "incoming")
        page = self.logged_in(other.key)
        expect(page.get_by_text("A stranger's").first).to_be_visible()
        for place in ("events", "endpoints", "settings", f"events/{self.shop.project.events()[0]['uid']}"):
            page.goto(f"{self.url}#/p/{self.shop.project.id}/{place}")
            expect(page.get_by_role("alert").first).to_contain_text("Unauthorized")
            self.assertNotIn("Northwind", page.content())
            self.assertNotIn("Order service", page.content())

    def test_an_owner_in_the_portal(self):
        for may_manage in (False, True):
            made = self.portal(may_manage)
            page = self.page()
            page.goto(made["url"])
            expect(page.get_by_role("heading", name="Overview")).to_be_visible()
            self.assertNotIn("token", page.url)
            self.assertIn("/ui/portal/", page.url)
            cookie = page.context.cookies()[0]
            self.assertEqual((cookie["name"], cookie["httpOnly"], cookie["sameSite"], cookie["path"]),
                             ("convoy_portal", True, "Strict", "/ui/portal"))
            for absent in ("Sources", "Quarantine", "Jobs", "API keys", "Settings"):
                expect(page.get_by_role("link", name=absent)).to_have_count(0)
            page.get_by_role("link", name="Endpoints").click()
            expect(page.get_by_role("link", name="Order service")).to_be_visible()
            expect(page.get_by_text("Mirror")).to_have_count(0)
            self.check_axe(page)
            self.shot(page, "portal" if may_manage else "portal-look")
            page.get_by_role("link", name="Order service").click()
            expect(page.get_by_role("heading", name="Order service")).to_be_visible()
            expect(page.get_by_text("Loading…")).to_have_count(0)
            offered = {"Pause", "Edit", "Delete", "Rotate…", "Show"} if may_manage else set()
            self.assertEqual(self.actions(page), offered)
            self.check_axe(page)
            page.locator("tbody a").first.click()
            expect(page.get_by_role("heading", name="Received")).to_be_visible()
            expect(page.get_by_text("Delivery to Order service")).to_be_visible()
            expect(page.get_by_text("Delivery to Mirror")).to_have_count(0)
            expect(page.get_by_text("Loading…")).to_have_count(0)
            self.check_axe(page)
            page.get_by_role("link", name="Subscriptions").click()
            expect(page.get_by_role("heading", name="Subscriptions")).to_be_visible()
            page.reload()
            expect(page.get_by_role("heading", name="Subscriptions")).to_be_visible()
            self.shop.project.ok("PUT", f"/portal-links/{made['uid']}/revoke")
            page.evaluate("() => { location.hash = '#/events' }")
            expect(page.get_by_text("session has ended")).to_be_visible()

    def test_a_link_that_has_ended(self):
        made = self.portal(False)
        self.shop.project.ok("PUT", f"/portal-links/{made['uid']}/revoke")
        page = self.page()
        page.goto(made["url"])
        expect(page.get_by_text("The link has ended. Ask for a new one.")).to_be_visible()
        self.check_axe(page)

    def test_two_sessions_do_not_mix(self):
        """An administrator who opens an owner's portal stays both."""
        made = self.portal(False)
        page = self.logged_in()
        page.goto(made["url"])
        expect(page.get_by_role("heading", name="Overview")).to_be_visible()
        expect(page.get_by_role("link", name="Settings")).to_have_count(0)
        page.goto(self.url)
        expect(page.get_by_role("link", name="Northwind Shop")).to_be_visible()


@unittest.skipUnless(shutil.which("nginx"), "there is no nginx (Debian: nginx-light)")
class ProxiedTest(UiCase):
    """Behind a proxy that shows everything under a path of its own."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        nginx = browser.Nginx(cls.origin, "/tools/hooks/")
        cls.outside = nginx.__enter__()
        cls.addClassCleanup(nginx.__exit__)

    def test_pages_and_portal_under_a_path_of_the_proxy(self):
        self.expected += ["401"]
        page = self.page()
        seen = []
        page.on("request", lambda request: seen.append(request.url))
        page.goto(self.outside + "/ui")
        self.assertEqual(page.url, self.outside + "/ui/")
        page.get_by_label("API key").fill(self.key)
        page.keyboard.press("Enter")
        page.get_by_role("link", name="Northwind Shop").click()
        page.get_by_role("link", name="Endpoints").click()
        expect(page.get_by_role("link", name="Order service")).to_be_visible()
        page.reload()
        expect(page.get_by_role("link", name="Order service")).to_be_visible()
        made = self.shop.project.ok("POST", "/portal-links", {"name": "Acme Inc.", "owner_id": "acme"})
        page.goto(self.outside + "/portal?" + made["url"].split("?")[1])
        expect(page.get_by_role("heading", name="Overview")).to_be_visible()
        self.assertEqual(page.url.split("#")[0], self.outside + "/ui/portal/")
        self.assertEqual({c["path"] for c in page.context.cookies()},
                         {"/tools/hooks/ui", "/tools/hooks/ui/portal"})
        self.assertTrue(all(u.startswith(self.outside + "/") for u in seen if "data:" not in u), seen)


class FramedPortalTest(UiCase):
    """Origins are fixed when the gateway starts, so it is the site that comes first."""

    @classmethod
    def setUpClass(cls):
        cls.pages = {"/": ""}
        cls.site = browser.Site(cls.pages)
        cls.addClassCleanup(cls.site.close)
        cls.flags = ("--ui-frame-origins", cls.site.url)
        super().setUpClass()

    def test_the_portal_in_a_page_of_the_customer(self):
        self.expected += ["401", "404"]
        made = self.shop.project.ok("POST", "/portal-links", {"name": "Acme Inc.", "owner_id": "acme"})
        token = made["url"].split("token=")[1]
        self.pages["/"] = f"""<title>Acme</title><body style="margin:0"><iframe title="Webhooks"
          style="width:100%;height:840px;border:0" src="{self.url}portal/?token={token}&theme-accent=%230f766e&theme-accent-strong=%230b5c55&theme-radius=4px&theme-bg=red;}}body{{"></iframe>"""
        page = self.page()
        page.goto(self.site.url)
        frame = page.frame_locator("iframe")
        expect(frame.get_by_role("heading", name="Overview")).to_be_visible()
        frame.get_by_role("link", name="Endpoints").click()
        expect(frame.get_by_role("link", name="Order service")).to_be_visible()
        self.assertEqual(page.context.cookies(), [])
        variables = page.frames[1].evaluate("""() => ['--accent', '--radius', '--bg'].map((name) =>
            getComputedStyle(document.documentElement).getPropertyValue(name))""")
        self.assertEqual(variables, ["#0f766e", "4px", "#f6f7f9"])
        self.shot(page, "portal-framed")
        # Another origin may not, and the dashboard may not be framed by anyone.
        other = browser.Site({"/": f"<iframe src='{self.url}portal/'></iframe>"})
        self.addCleanup(other.close)
        self.expected += ["frame", "Content Security Policy", "Refused", "ERR_BLOCKED"]
        page.goto(other.url)
        page.wait_for_timeout(500)
        self.assertTrue(all("Open the portal" not in f.content() for f in page.frames[1:]))


if __name__ == "__main__":
    unittest.main()
