import java.io.File;
import java.io.IOException;
import java.lang.reflect.Field;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Arrays;
import java.util.concurrent.ThreadPoolExecutor;
import org.apache.log4j.BasicConfigurator;
import org.apache.log4j.Level;
import org.apache.log4j.Logger;
import org.apache.mina.filter.codec.ProtocolCodecFilter;
import org.apache.mina.transport.socket.nio.NioSocketAcceptor;
import org.apache.vysper.mina.XmppIoHandlerAdapter;
import org.apache.vysper.mina.codec.XMPPProtocolCodecFactory;
import org.apache.vysper.storage.inmemory.MemoryStorageProviderRegistry;
import org.apache.vysper.xmpp.addressing.EntityImpl;
import org.apache.vysper.xmpp.authorization.AccountManagement;
import org.apache.vysper.xmpp.delivery.StanzaRelayBroker;
import org.apache.vysper.xmpp.delivery.inbound.DeliveringInternalInboundStanzaRelay;
import org.apache.vysper.xmpp.modules.extension.xep0045_muc.MUCModule;
import org.apache.vysper.xmpp.modules.extension.xep0045_muc.model.Affiliation;
import org.apache.vysper.xmpp.modules.extension.xep0045_muc.model.Conference;
import org.apache.vysper.xmpp.modules.extension.xep0045_muc.model.Room;
import org.apache.vysper.xmpp.modules.extension.xep0045_muc.model.RoomType;
import org.apache.vysper.xmpp.modules.extension.xep0119_xmppping.XmppPingModule;
import org.apache.vysper.xmpp.protocol.QueuedStanzaProcessor;
import org.apache.vysper.xmpp.server.Endpoint;
import org.apache.vysper.xmpp.server.ServerRuntimeContext;
import org.apache.vysper.xmpp.server.XMPPServer;

/**
 * Vysper with rooms. Everything is in memory. Its rooms cannot be configured
 * by their owner, so the kinds that tests need are made here: locked has the
 * password "secret", members admits members only, moderated needs a voice. The
 * account admin owns them. It is not an administrator of the server: that would
 * make it less than an owner in rooms that it creates itself, and Vysper does
 * not answer what such an administrator asks of a room.
 *
 * Arguments: domain, port, key store (PKCS #12), its password, accounts
 * (NAME:PASSWORD).
 */
public class Vysper {
    public static void main(String[] args) throws Exception {
        BasicConfigurator.configure();
        Logger.getRootLogger().setLevel(Level.WARN);
        String domain = args[0];
        MemoryStorageProviderRegistry storage = new MemoryStorageProviderRegistry();
        AccountManagement accounts = (AccountManagement) storage.retrieve(AccountManagement.class);
        for (String account : Arrays.copyOfRange(args, 4, args.length)) {
            String[] parts = account.split(":", 2);
            accounts.addUser(EntityImpl.parseUnchecked(parts[0] + "@" + domain), parts[1]);
        }
        XMPPServer server = new XMPPServer(domain);
        server.addEndpoint(new Loopback(Integer.parseInt(args[1])));
        server.setStorageProviderRegistry(storage);
        server.setTLSCertificateInfo(new File(args[2]), args[3]);
        server.start();
        keepOrder(server.getServerRuntimeContext());

        server.addModule(new XmppPingModule());
        Conference rooms = new Conference("conference");
        server.addModule(new MUCModule("conference", rooms));
        String service = "@conference." + domain;
        Room[] made = {
            rooms.createRoom(EntityImpl.parse("alerts" + service), "alerts", RoomType.Persistent),
            rooms.createRoom(EntityImpl.parse("members" + service), "members", RoomType.MembersOnly),
            rooms.createRoom(EntityImpl.parse("moderated" + service), "moderated", RoomType.Moderated),
            rooms.createRoom(EntityImpl.parse("locked" + service), "locked", RoomType.PasswordProtected),
        };
        for (Room room : made) {
            room.getAffiliations().add(EntityImpl.parse("admin@" + domain), Affiliation.Owner);
        }
        made[3].setPassword("secret");
        System.out.println("Vysper is ready");
    }

    /**
     * Vysper handles what one client sends, and hands out what is for it, with
     * pools of 10 threads, which mixes up the order of stanzas. One thread each
     * keeps it. There is no setting for that.
     */
    static void keepOrder(ServerRuntimeContext context) throws Exception {
        oneThread(QueuedStanzaProcessor.class, context.getStanzaProcessor());
        Field relay = StanzaRelayBroker.class.getDeclaredField("internalRelay");
        relay.setAccessible(true);
        oneThread(DeliveringInternalInboundStanzaRelay.class, relay.get(context.getStanzaRelay()));
    }

    static void oneThread(Class<?> type, Object owner) throws Exception {
        Field executor = type.getDeclaredField("executor");
        executor.setAccessible(true);
        ThreadPoolExecutor pool = (ThreadPoolExecutor) executor.get(owner);
        pool.setCorePoolSize(1);
        pool.setMaximumPoolSize(1);
    }

    /** Vysper's own endpoint, but on loopback only. */
    static class Loopback implements Endpoint {
        private final int port;
        private final NioSocketAcceptor acceptor = new NioSocketAcceptor();
        private ServerRuntimeContext context;

        Loopback(int port) {
            this.port = port;
        }

        public void setServerRuntimeContext(ServerRuntimeContext context) {
            this.context = context;
        }

        public void start() throws IOException {
            XmppIoHandlerAdapter handler = new XmppIoHandlerAdapter();
            handler.setServerRuntimeContext(context);
            acceptor.getFilterChain().addLast("codec", new ProtocolCodecFilter(new XMPPProtocolCodecFactory()));
            acceptor.setHandler(handler);
            acceptor.setReuseAddress(true);
            acceptor.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
        }

        public void stop() {
            acceptor.unbind();
            acceptor.dispose();
        }
    }
}
