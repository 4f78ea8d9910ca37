// The function behind the API. An order is a row of a table, an object with its receipt, and a row of the ledger; it is acknowledged when
// all three are written.
const { readFileSync } = require("fs")
const stores = require("./stores")

let start = "cold" // so is the first invocation of an instance; the loading of this file is part of it

// What an operator configures can change while instances live, so it is read each time.
const table = () => readFileSync(`${__dirname}/table`, "utf8").trim()

async function put(id) {
    await Promise.all([stores.tables.put(id, table()), stores.objects.put(id), stores.relational.put(id)])
    return [201, `${id}\n`]
}

async function answer({ httpMethod, path, pathParameters, queryStringParameters }) {
    if (path === "/healthz") {
        await stores.tables.has("none", table())
        return [200, "ok\n"]
    }
    if (httpMethod === "PUT") {
        return put(pathParameters.id)
    }
    if (pathParameters || queryStringParameters) {
        const found = await stores.tables.has(pathParameters ? pathParameters.id : "none", table())
        return [pathParameters && !found ? 404 : 200, `${found}\n`]
    }
    return [200, stores.lines(await stores.tables.ids())]
}

// What is not caught here is an error of the function: the gateway answers 502.
exports.handler = async (event) => {
    const headers = { "Content-Type": "text/plain", "X-Served-By": `${process.env.REGION}-${start}` }
    start = "warm"
    const [statusCode, body] = await answer(event)
    return { statusCode, headers, body }
}
