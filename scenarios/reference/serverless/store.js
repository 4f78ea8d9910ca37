// store.js tables|objects ADDRESS PORT EVERY_MS ADDRESS,ADDRESS: one region's tables (dynalite) or objects (s3rver), with what the provider does behind
// the API: each write is acknowledged when this region has it, and sent to the other region later, every EVERY_MS, in order. What does not
// arrive is kept and tried again until it does.
const http = require("http")

const [kind, address, port, everyMs, all] = process.argv.slice(2)
const peer = all.split(",").find((other) => other !== address)
const agent = new http.Agent({ keepAlive: true, maxSockets: 16 })
const queue = []

const isWrite = { tables: (req) => /\.PutItem$/.test(req.headers["x-amz-target"]), objects: (req) => req.method === "PUT" }[kind]

// A request to one of the two stores, with the headers of the one that it follows from. What came as a copy is not copied again.
function send(host, { method, path, headers }, body) {
    return new Promise((resolve, reject) => {
        const options = { host, port, agent, method, path, timeout: 1000, headers: { ...headers, "x-copied": "yes" } }
        const request = http.request(options, (response) => {
            const chunks = []
            response.on("data", (chunk) => chunks.push(chunk))
            response.on("end", () => (response.statusCode === 200 ? resolve(Buffer.concat(chunks)) : reject(new Error(`status ${response.statusCode}`))))
        })
        request.on("timeout", () => request.destroy(new Error("no answer"))).on("error", reject)
        request.end(body)
    })
}

// An object is read when it is copied, a row of a table is kept from when it was written.
async function copy(write) {
    const { authorization, "x-amz-date": date, "x-amz-content-sha256": sum } = write.headers
    const headers = { authorization, "x-amz-date": date, "x-amz-content-sha256": sum }
    await send(peer, write, write.body || (await send(address, { method: "GET", path: write.path, headers })))
}

let lateSince
async function copyAll() {
    try {
        while (queue.length > 0) {
            const batch = queue.slice(0, 16)
            await Promise.all(batch.map(copy))
            queue.splice(0, batch.length)
        }
        if (lateSince) {
            console.log(`${peer} has everything again, after ${(Date.now() - lateSince) / 1000} s`)
        }
        lateSince = undefined
    } catch (error) {
        if (!lateSince) {
            console.log(`${queue.length} writes wait for ${peer}: ${error.message}`)
        }
        lateSince = lateSince || Date.now()
    }
    setTimeout(copyAll, everyMs)
}

function watch(req, res) {
    const chunks = []
    if (!isWrite(req) || req.headers["x-copied"]) {
        return
    }
    if (kind === "tables") { // dynalite begins to read at once; s3rver would miss what is read before
        req.on("data", (chunk) => chunks.push(chunk))
    }
    res.on("finish", () => {
        if (res.statusCode === 200) {
            const body = kind === "tables" ? Buffer.concat(chunks) : undefined
            queue.push({ method: req.method, path: req.url, headers: req.headers, body })
        }
    })
}

async function makeTable() {
    const { DynamoDBClient, CreateTableCommand } = require("@aws-sdk/client-dynamodb")
    const client = new DynamoDBClient({
        region: "local", endpoint: `http://${address}:${port}`, credentials: { accessKeyId: "a", secretAccessKey: "a" },
    })
    await client.send(
        new CreateTableCommand({
            TableName: "orders", BillingMode: "PAY_PER_REQUEST",
            AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }], KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
        }),
    )
}

async function start() {
    if (kind === "tables") {
        const dynalite = require("dynalite")
        const server = dynalite({ createTableMs: 0 })
        server.prependListener("request", watch).listen(port, address, makeTable)
    } else {
        const S3rver = require("s3rver")
        const server = new S3rver({ address, port, silent: true, directory: `${__dirname}/data`, configureBuckets: [{ name: "orders" }] })
        await server.run()
        server.httpServer.prependListener("request", watch)
    }
    copyAll()
}
start()
