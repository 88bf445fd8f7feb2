// An OpenID Connect provider for the tests, on a port of 127.0.0.1 that the system chooses.
//
// Its only argument is a JSON object of options; `src/lib.rs` describes them. It prints one JSON object per
// line: first its address and its keys, then the grant type of each token that it issues.

import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

const API = 'https://api.slipway.example';
const options = JSON.parse(process.argv[2]);
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

const newKey = () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    return { ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), alg: 'RS256', use: 'sig' };
};
const keys = options.keys ?? { keys: [newKey()] };

const toolClient = (id) => ({
    client_id: id,
    client_secret: id,
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
    token_endpoint_auth_method: 'client_secret_post',
});
const pageClient = {
    client_id: 'page',
    grant_types: options.refreshTokens ? ['authorization_code', 'refresh_token'] : ['authorization_code'],
    redirect_uris: options.redirectUris,
    post_logout_redirect_uris: options.redirectUris,
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
};

// A user who signs in agrees to everything that is requested.
const grantEverything = async ({ oidc }) => {
    const grant = new oidc.provider.Grant({ accountId: oidc.session.accountId, clientId: oidc.client.clientId });
    grant.addOIDCScope('openid offline_access');
    grant.addResourceScope(API, 'upload');
    await grant.save();
    return grant;
};

const html = (ctx, body) => {
    ctx.type = 'html';
    ctx.body = `<!doctype html><html lang="en"><head><title>Provider</title><link rel="icon" href="data:,">
        </head><body>${body}</body></html>`;
};

const configuration = {
    clients: [toolClient('tool-a'), toolClient('tool-b'), pageClient],
    jwks: keys,
    scopes: ['openid', 'offline_access', 'upload'],
    cookies: { keys: [randomUUID()] },
    clientBasedCORS: () => true,
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    issueRefreshToken: () => options.refreshTokens,
    interactions: { url: (_, interaction) => `/sign-in/${interaction.uid}` },
    loadExistingGrant: grantEverything,
    pkce: { required: () => true, methods: ['S256'] },
    ttl: { Session: 3600, Grant: 3600, Interaction: 3600, IdToken: 3600, AuthorizationCode: 60, RefreshToken: 3600 },
    features: {
        devInteractions: { enabled: false },
        clientCredentials: { enabled: true },
        resourceIndicators: {
            enabled: true,
            defaultResource: () => API,
            useGrantedResource: () => true,
            getResourceServerInfo: () => ({
                audience: options.audience,
                scope: 'upload',
                accessTokenFormat: 'jwt',
                accessTokenTTL: options.accessTokenSeconds,
                jwt: { sign: { alg: 'RS256' } },
            }),
        },
        revocation: { enabled: true },
        rpInitiatedLogout: {
            enabled: true,
            logoutSource: (ctx, form) =>
                html(ctx, `${form}<button id="sign-out" form="op.logoutForm" name="logout" value="yes">Sign out</button>`),
        },
    },
};

const listen = (server) => new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const server = createServer();
await listen(server);
const issuer = options.issuer ?? `http://127.0.0.1:${server.address().port}`;
const provider = new Provider(issuer, configuration);
provider.on('grant.success', ({ oidc }) => say({ grant: oidc.params.grant_type }));

// The page on which a user signs in under any name, or refuses.
provider.use(async (ctx, next) => {
    const [, path, uid, action] = ctx.path.split('/');
    if (path !== 'sign-in') {
        return next();
    }
    const finish = (result) => provider.interactionFinished(ctx.req, ctx.res, result);
    if (action === 'as') {
        await finish({ login: { accountId: ctx.query.name } });
    } else if (action === 'deny') {
        await finish({ error: 'access_denied', error_description: 'The user does not want to sign in' });
    } else {
        html(
            ctx,
            `<form action="/sign-in/${uid}/as"><input id="name" name="name"><button id="sign-in">Sign in</button></form>
            <a id="deny" href="/sign-in/${uid}/deny">No</a>`,
        );
        return;
    }
    ctx.respond = false;
});

server.on('request', provider.callback());
// The tests hold the other end of the input: when they end, so does this.
process.stdin.resume().on('end', () => process.exit());
say({ issuer, url: `http://127.0.0.1:${server.address().port}`, keys });
