// A mail server for tests: it takes everything, on this machine, and keeps it.
import { createServer } from 'node:net';

export const mailbox = async () => {
  const mails = [];
  const server = createServer((socket) => {
    let data = false, text = '', to = '', rest = '';
    socket.on('error', () => {});
    socket.write('220 test ESMTP\r\n');
    socket.on('data', (chunk) => {
      rest += chunk.toString('utf8');
      for (let at = rest.indexOf('\r\n'); at >= 0; at = rest.indexOf('\r\n')) {
        const line = rest.slice(0, at); rest = rest.slice(at + 2);
        if (data) {
          if (line === '.') { data = false; mails.push({ to, text: text.replace(/=\r\n/g, '').replace(/((?:=[0-9A-F]{2})+)/g, (all) => Buffer.from(all.replaceAll('=', ''), 'hex').toString('utf8')) }); text = ''; socket.write('250 taken\r\n'); }
          else text += line.replace(/^\.\./, '.') + '\r\n';
        } else if (/^EHLO|^HELO/i.test(line)) socket.write('250 test\r\n');
        else if (/^RCPT/i.test(line)) { to = /<(.*)>/.exec(line)[1]; socket.write('250 ok\r\n'); }
        else if (/^DATA/i.test(line)) { data = true; socket.write('354 go on\r\n'); }
        else if (/^QUIT/i.test(line)) socket.end('221 bye\r\n');
        else socket.write('250 ok\r\n');
      }
    });
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return { mails, address: `127.0.0.1:${server.address().port}`, close: () => new Promise((done) => server.close(done)) };
};
