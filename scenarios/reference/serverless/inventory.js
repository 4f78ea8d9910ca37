// inventory.js ADDRESS PORT: what each store of this region has, for whoever asks beside the API: GET /tables, /objects or /relational.
const http = require("http")
const stores = require("./stores")

const [address, port] = process.argv.slice(2)

async function answer(req, res) {
    const store = stores[req.url.slice(1)]
    try {
        res.end(req.url === "/healthz" ? "ok\n" : stores.lines(await store.ids()))
    } catch (error) {
        res.writeHead(503).end(`${error.message}\n`)
    }
}
http.createServer(answer).listen(port, address)
