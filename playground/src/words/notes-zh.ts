// Notes among the messages, in Simplified Chinese. The Web Worker writes them in English, and so they stand in exported files.

/** Notes by pattern, with their translation; `$1` and so on are the parts that the pattern captures. */
export const notesZh: readonly (readonly [RegExp, string])[] = [
  [/^Streamable HTTP: no readable answer\. Now HTTP\+SSE\.$/, "Streamable HTTP：没有可读取的应答。改用 HTTP+SSE。"],
  [/^Streamable HTTP: (\d+)\. Now HTTP\+SSE\.$/, "Streamable HTTP：$1。改用 HTTP+SSE。"],
  [/^The server does not speak (\S+)\. Now (\S+), which it names\.$/, "服务器不支持 $1。改用它列出的 $2。"],
  [/^The probe of 2026-07-28 could not be sent, as where CORS does not allow its headers\. Now initialize\.$/, "2026-07-28 的探测请求无法发送，可能是 CORS 不允许其请求头。改用 initialize。"],
  [/^This result came after its call had ended\.$/, "此结果在调用结束之后才到达。"],
  [/^The server no longer knows the session\. Now a new one\.$/, "服务器已不认识此会话。改用新会话。"],
  [/^(.+): The stream broke off before the answer, and cannot be resumed\.$/, "$1：流在应答之前中断，且无法恢复。"],
  [/^The metadata is for (\S+), which covers (\S+)\.$/, "元数据针对 $1，涵盖 $2。"],
  [/^The metadata is for (\S+), which does not cover (\S+)\.$/, "元数据针对 $1，不涵盖 $2。"],
  [/^There is no metadata of the server\. As in 2025-03-26, its own origin signs people in\.$/, "服务器没有元数据。按 2025-03-26 的方式，由其自身的源负责登录。"],
  [/^There is no metadata of (\S+) \((\d+) addresses were tried\)\. Its endpoints are guessed\.$/, "$1 没有元数据（已尝试 $2 个地址）。其端点为推测。"],
  [/^The metadata of (\S+) says that its issuer is (\S+)\.$/, "$1 的元数据称其颁发者为 $2。"],
  [/^The issuer is (\S+), which was asked for\.$/, "颁发者是 $1，与所请求的一致。"],
  [/^It takes the proof S256 \(PKCE\)\.$/, "它接受 S256 证明（PKCE）。"],
  [/^(\S+) does not say that it takes the proof S256 \(PKCE\): its code_challenge_methods_supported is missing\.$/, "$1 未声明接受 S256 证明（PKCE）：缺少 code_challenge_methods_supported。"],
  [/^(\S+) does not say that it takes the proof S256 \(PKCE\): its code_challenge_methods_supported is (.*)\.$/, "$1 未声明接受 S256 证明（PKCE）：code_challenge_methods_supported 为 $2。"],
  [/^The metadata of the server cannot be read\.$/, "无法读取服务器的元数据。"],
  [/^The server's metadata is answered with (\d+)\.$/, "服务器的元数据应答为 $1。"],
  [/^The answer is of (\S+), by its iss \(RFC 9207\)\.$/, "根据 iss，应答来自 $1（RFC 9207）。"],
  [/^The answer is not of (\S+), by its iss \(RFC 9207\)\.$/, "根据 iss，应答并非来自 $1（RFC 9207）。"],
  [/^The answer has no iss, which the authorization server promises \(RFC 9207\)\.$/, "应答没有 iss，而授权服务器承诺会提供（RFC 9207）。"],
  [/^The answer has no iss, which the authorization server does not promise \(RFC 9207\)\.$/, "应答没有 iss，授权服务器也未承诺提供（RFC 9207）。"],
];
